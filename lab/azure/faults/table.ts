/** The shared kinds of faults in Azure's words. */
import { faultTable } from '../../faults/kinds/table'
import { AZURE_DNS } from '../dns/operations'
import { AZURE_ERRORS, AzureError, type AzureErrorCode } from '../errors'
import { ROUTES } from '../operations/table'
import type { AzureState } from '../state'

const routes = [...ROUTES.values()]
const promises = routes.filter((route) => route.promises).map(({ name }) => name)

/** Seconds. The SDK waits that long and tries again by itself, also a PUT. */
const RETRY_AFTER_S = 1

export const AZURE_FAULTS = faultTable<AzureState>({
  throttled: {
    says: 'SubscriptionRequestsThrottled (429, Retry-After 1), before anything is done',
    error: () =>
      new AzureError(
        'SubscriptionRequestsThrottled',
        `Number of requests for the subscription exceeded. Please try again after '${RETRY_AFTER_S}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional information.`,
        RETRY_AFTER_S,
      ),
  },
  errors: {
    codes: Object.keys(AZURE_ERRORS),
    otherwise: 'InternalServerError',
    make: (code, message) => new AzureError(code as AzureErrorCode, message),
  },
  busy: {
    says: 'a server says Ready and refuses changes (ServerIsBusy) for the time of --tail after it became ready',
    operations: promises,
  },
  questions: [...routes, ...Object.values(AZURE_DNS)].filter(({ question }) => question).map(({ name }) => name),
  promises,
  full: 'a server has no storage left: it is read-only (default_transaction_read_only) until the storage grows',
})
