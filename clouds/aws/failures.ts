/** RDS errors → our closed table. Decided by `name` (the SDK's class, which is not always the wire's Code) and the HTTP status.
 *  An unknown 4xx is a defect, never an endless retry. Source: errors of the RDS API, 2014-10-31, its common errors included. */
import { type Failure, type FailureCode, failure } from '../../contracts/failures'
import { NO_CREDENTIALS } from '../credentials'

const CODE_BY_NAME: Readonly<Record<string, FailureCode>> = {
  DBInstanceNotFoundFault: 'INSTANCE_NOT_FOUND',
  DBInstanceNotFound: 'INSTANCE_NOT_FOUND',
  DBSnapshotNotFoundFault: 'SNAPSHOT_NOT_FOUND',
  DBClusterNotFoundFault: 'INSTANCE_NOT_FOUND',
  DBClusterSnapshotNotFoundFault: 'SNAPSHOT_NOT_FOUND',
  InvalidDBInstanceStateFault: 'CLOUD_BUSY',
  InvalidDBInstanceState: 'CLOUD_BUSY',
  InvalidDBSnapshotStateFault: 'CLOUD_BUSY',
  InvalidDBParameterGroupStateFault: 'CLOUD_BUSY',
  InvalidDBClusterStateFault: 'CLOUD_BUSY',
  InvalidDBClusterSnapshotStateFault: 'CLOUD_BUSY',
  InvalidGlobalClusterStateFault: 'CLOUD_BUSY',
  GlobalClusterNotFoundFault: 'INSTANCE_NOT_FOUND',
  InvalidBlueGreenDeploymentStateFault: 'CLOUD_BUSY',
  Throttling: 'CLOUD_THROTTLED',
  ThrottlingException: 'CLOUD_THROTTLED',
  RequestLimitExceeded: 'CLOUD_THROTTLED',
  InstanceQuotaExceededFault: 'CLOUD_REFUSED',
  SnapshotQuotaExceededFault: 'CLOUD_REFUSED',
  StorageQuotaExceededFault: 'CLOUD_REFUSED',
  DBClusterQuotaExceededFault: 'CLOUD_REFUSED',
  DBClusterParameterGroupNotFoundFault: 'CLOUD_REFUSED',
  DBParameterGroupQuotaExceededFault: 'CLOUD_REFUSED',
  DBParameterGroupNotFoundFault: 'CLOUD_REFUSED',
  DBSecurityGroupNotFoundFault: 'CLOUD_REFUSED',
  DBSubnetGroupNotFoundFault: 'CLOUD_REFUSED',
  InvalidRestoreFault: 'CLOUD_REFUSED',
  PointInTimeRestoreNotEnabledFault: 'CLOUD_REFUSED',
  StorageTypeNotSupportedFault: 'CLOUD_REFUSED',
  SourceDatabaseNotSupportedFault: 'CLOUD_REFUSED',
  KMSKeyNotAccessibleFault: 'CLOUD_REFUSED',
  InsufficientDBInstanceCapacityFault: 'CLOUD_BUSY',
  InsufficientDBClusterCapacityFault: 'CLOUD_BUSY',
  InsufficientStorageClusterCapacityFault: 'CLOUD_BUSY',
  InvalidParameterCombination: 'CLOUD_REFUSED',
  InvalidParameterCombinationException: 'CLOUD_REFUSED',
  InvalidParameterValue: 'CLOUD_REFUSED',
  InvalidParameterValueException: 'CLOUD_REFUSED',
  InvalidSubnet: 'CLOUD_REFUSED',
  // of Route 53
  NoSuchHostedZone: 'CLOUD_REFUSED',
  NoSuchChange: 'CLOUD_REFUSED',
  InvalidInput: 'CLOUD_REFUSED',
  PriorRequestNotComplete: 'CLOUD_BUSY',
  InvalidVPCNetworkStateFault: 'CLOUD_REFUSED',
  InvalidClientTokenId: 'CREDENTIALS_REJECTED',
  SignatureDoesNotMatch: 'CREDENTIALS_REJECTED',
  AccessDenied: 'CREDENTIALS_REJECTED',
  AccessDeniedException: 'CREDENTIALS_REJECTED',
  IncompleteSignature: 'CREDENTIALS_REJECTED',
  NotAuthorized: 'CREDENTIALS_REJECTED',
  OptInRequired: 'CREDENTIALS_REJECTED',
  // Signed too long ago: the host's clock is wrong, which the SDK could not correct.
  RequestExpired: 'CREDENTIALS_REJECTED',
  // Short-lived credentials are renewed: between two of them there may be a moment without any.
  ExpiredToken: 'CLOUD_UNREACHABLE',
  ExpiredTokenException: 'CLOUD_UNREACHABLE',
  CredentialsProviderError: 'CLOUD_UNREACHABLE',
}

/** Of the SDK: none of the places where it looks had any. */
const WITHOUT_CREDENTIALS = 'CredentialsProviderError'

interface SdkError {
  readonly name: string
  readonly message: string
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $fault?: 'client' | 'server'
  readonly $retryable?: object
  readonly code?: unknown
}

/** Errors of the socket, and the SDK's own name for an answer that did not come in time. */
const UNANSWERED = /^(ECONN\w+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|TimeoutError|RequestTimeout)$/

export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

function codeOf(error: SdkError): FailureCode {
  const named = CODE_BY_NAME[error.name]
  if (named) return named
  const status = error.$metadata?.httpStatusCode
  if (status === 429) return 'CLOUD_THROTTLED'
  if (status !== undefined && status >= 500) return 'CLOUD_UNREACHABLE'
  const unanswered = UNANSWERED.test(error.name) || (typeof error.code === 'string' && UNANSWERED.test(error.code))
  // Neither an answer nor a known reason for its absence: a mistake of ours, which no repetition mends.
  return unanswered || (status === undefined && error.$retryable !== undefined) ? 'CLOUD_UNREACHABLE' : 'CLOUD_UNEXPECTED'
}

/** Translates whatever the SDK threw while doing `action`; every service of AWS fails alike. Cancellation passes through untouched. */
export function rdsFailure(action: string, error: unknown, signal: AbortSignal, service = 'RDS'): Failure | Error {
  if (signal.aborted) return signal.reason instanceof Error ? signal.reason : new Error('aborted')
  if (!(error instanceof Error)) return new Error(`${service} ${action} threw something that is no error`)
  const code = codeOf(error)
  if (error.name === WITHOUT_CREDENTIALS) {
    const message = `No credentials for AWS were found, so that ${action} was not asked for (${error.message}); docs/real-clouds.md says which are taken.`
    return failure(code, message, { cloud: 'aws', action, error: error.name, ...NO_CREDENTIALS }, { cause: error })
  }
  const message =
    code === 'CLOUD_UNREACHABLE'
      ? `The ${service} API did not answer ${action}: ${error.message || error.name}.`
      : `${service} refused ${action}: ${error.name}: ${error.message}`
  return failure(code, message, { cloud: 'aws', action, error: error.name }, { cause: error })
}
