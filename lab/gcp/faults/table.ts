/** The shared kinds of faults in Cloud SQL's words. */
import { faultTable } from '../../faults/kinds/table'
import { CLOUD_DNS } from '../dns/operations'
import { GCP_ERRORS, GcpError, type GcpErrorReason } from '../errors'
import { METHODS } from '../generated/model'
import { OPERATIONS } from '../operations/table'
import type { GcpState } from '../state'

/** Calls that answer an operation, whose end comes later; a new certificate comes together with one. */
const PROMISES = METHODS.flatMap(({ name, answer, verb }) =>
  OPERATIONS.has(name) && (answer === 'Operation' || answer === 'SslCertsInsertResponse') && verb !== 'GET' ? [name] : [],
)

/** What concerns no instance that could be busy. */
const NEVER_BUSY = new Set(['instances.insert', 'backups.updateBackup'])

const QUESTIONS = METHODS.flatMap(({ name, verb }) => (OPERATIONS.has(name) && verb === 'GET' ? [name] : []))

export const GCP_FAULTS = faultTable<GcpState>({
  throttled: {
    says: 'rateLimitExceeded (429), before anything is done. The Node client does not try again',
    error: () => new GcpError('rateLimitExceeded', 'Rate Limit Exceeded'),
  },
  errors: {
    codes: Object.keys(GCP_ERRORS),
    otherwise: 'internalError',
    make: (reason, message) => new GcpError(reason as GcpErrorReason, message),
  },
  busy: {
    says: 'an instance refuses changes (operationInProgress, 409) for the time of --tail after its last operation was done',
    operations: PROMISES.filter((name) => !NEVER_BUSY.has(name)),
  },
  questions: [...QUESTIONS, ...CLOUD_DNS.filter(({ question }) => question).map(({ name }) => name)],
  promises: PROMISES,
  full: 'an instance has no room left: it grows when its storage may, and is shut down (outOfDiskReport) until there is room otherwise',
})
