/** Errors of Resource Manager and its PostgreSQL provider → our closed table, by their code, else by the HTTP status. An unknown 4xx is a
 *  defect, never an endless retry. Sources: "Troubleshoot common Azure deployment errors", "Throttling Resource Manager requests", and for
 *  the provider's own codes what its clients' trackers quote (azurerm #16622, #29219; azure-postgresql #134). */
import { type Failure, type FailureCode, failure } from '../../contracts/failures'
import { retryAfterMs } from '../attempts'
import { NO_CREDENTIALS } from '../credentials'

const CODE_BY_CODE: Readonly<Record<string, FailureCode>> = {
  ParentResourceNotFound: 'INSTANCE_NOT_FOUND',
  ResourceNotFound: 'INSTANCE_NOT_FOUND',
  // One mutation per server; and its name is blocked for a while after it went.
  AnotherOperationInProgress: 'CLOUD_BUSY',
  Conflict: 'CLOUD_BUSY',
  ConflictingServerOperation: 'CLOUD_BUSY',
  OperationPreempted: 'CLOUD_BUSY',
  ServerGroupDropping: 'CLOUD_BUSY',
  ServerIsBusy: 'CLOUD_BUSY',
  ServerIsNotReady: 'CLOUD_BUSY',
  ServerNotSucceeded: 'CLOUD_BUSY',
  ServerStateNotReady: 'CLOUD_BUSY',
  InvalidAuthenticationToken: 'CREDENTIALS_REJECTED',
  AuthenticationFailed: 'CREDENTIALS_REJECTED',
  AuthorizationFailed: 'CREDENTIALS_REJECTED',
  InvalidAuthenticationTokenTenant: 'CREDENTIALS_REJECTED',
  LinkedAuthorizationFailed: 'CREDENTIALS_REJECTED',
  SubscriptionNotFound: 'CREDENTIALS_REJECTED',
  AuthenticationError: 'CREDENTIALS_REJECTED',
  // Short-lived credentials are renewed: between two of them there may be a moment without any.
  ExpiredAuthenticationToken: 'CLOUD_UNREACHABLE',
  CredentialUnavailableError: 'CLOUD_UNREACHABLE',
  // Of the whole chain: none of its links had any.
  AggregateAuthenticationError: 'CLOUD_UNREACHABLE',
  CannotUpdateDuringUpgrade: 'CLOUD_REFUSED',
  InvalidParameterValue: 'CLOUD_REFUSED',
  InvalidPointInTime: 'CLOUD_REFUSED',
  InvalidResourceLocation: 'CLOUD_REFUSED',
  InvalidSkuName: 'CLOUD_REFUSED',
  InvalidTag: 'CLOUD_REFUSED',
  InvalidTagNameCharacters: 'CLOUD_REFUSED',
  LocationNotAvailableForResourceType: 'CLOUD_REFUSED',
  OperationNotAllowed: 'CLOUD_REFUSED',
  OperationNotAllowedOnServer: 'CLOUD_REFUSED',
  PasswordNotComplex: 'CLOUD_REFUSED',
  PasswordTooLong: 'CLOUD_REFUSED',
  PasswordTooShort: 'CLOUD_REFUSED',
  PointInTimeRestoreNotAllowed: 'CLOUD_REFUSED',
  QuotaExceeded: 'CLOUD_REFUSED',
  RequestDisallowedByPolicy: 'CLOUD_REFUSED',
  ResourceGroupNotFound: 'CLOUD_REFUSED',
  // Somebody locked it: Azure's protection from removal.
  ScopeLocked: 'CLOUD_REFUSED',
  ServerNameAlreadyExists: 'CLOUD_REFUSED',
  ServerParameterToCMSUnAllowedParameterValue: 'CLOUD_REFUSED',
  SkuNotAvailable: 'CLOUD_REFUSED',
  StorageSizeDecreaseNotAllowed: 'CLOUD_REFUSED',
  SubscriptionRequestsThrottled: 'CLOUD_THROTTLED',
  TooManyRequests: 'CLOUD_THROTTLED',
}

/** What the SDK throws, as far as it is looked at. Not asked for its class: an error may come from another copy of the library. */
interface RestErrorShape {
  readonly name?: string
  readonly message?: string
  readonly code?: unknown
  readonly statusCode?: unknown
  readonly response?: { readonly headers?: { get(name: string): string | undefined } }
}

/** Of the socket; REQUEST_SEND_ERROR is the SDK's own for a reason that it does not know. An aborted one is its time-out. */
const UNANSWERED =
  /^(ECONN\w+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|REQUEST_SEND_ERROR|AbortError|TimeoutError)$/

/** Of `@azure/identity`. */
const WITHOUT_CREDENTIALS = /^(CredentialUnavailable|AggregateAuthentication)Error$/

export function errorCode(error: unknown): string {
  const { code, name } = (error ?? {}) as RestErrorShape
  return typeof code === 'string' ? code : (name ?? '')
}

function codeOf(error: RestErrorShape): FailureCode {
  const named = CODE_BY_CODE[errorCode(error)] ?? CODE_BY_CODE[error.name ?? '']
  if (named) return named
  const { statusCode: status } = error
  if (status === 429) return 'CLOUD_THROTTLED'
  if (status === 401) return 'CREDENTIALS_REJECTED'
  if (typeof status === 'number') return status >= 500 || status === 408 ? 'CLOUD_UNREACHABLE' : 'CLOUD_UNEXPECTED'
  return UNANSWERED.test(errorCode(error)) || UNANSWERED.test(error.name ?? '') ? 'CLOUD_UNREACHABLE' : 'CLOUD_UNEXPECTED'
}

/** Translates whatever the SDK threw while doing `action`. Cancellation passes through untouched. */
export function azureFailure(action: string, error: unknown, signal: AbortSignal): Failure | Error {
  if (signal.aborted) return signal.reason instanceof Error ? signal.reason : new Error('aborted')
  const shape = (error ?? {}) as RestErrorShape
  const code = codeOf(shape)
  const said = errorCode(error)
  const missing = WITHOUT_CREDENTIALS.test(said)
  const message = missing
    ? `No credentials for Azure were found, so that ${action} was not asked for; docs/real-clouds.md says which are taken.`
    : code === 'CLOUD_UNREACHABLE'
      ? `Azure did not answer ${action}: ${shape.message ?? said}.`
      : `Azure refused ${action}: ${said}: ${shape.message ?? ''}`
  const waitMs = code === 'CLOUD_THROTTLED' ? retryAfterMs(shape.response?.headers?.get('retry-after')) : null
  const facts = {
    cloud: 'azure',
    action,
    error: said,
    ...(missing && NO_CREDENTIALS),
    ...(waitMs !== null && { retryAfterMs: waitMs }),
  }
  return failure(code, message, facts, { cause: error })
}

/** The error that ended an operation which had been accepted, as its record says: the SDK throws it as a text. */
export function endOfOperation(error: unknown): { readonly code: string; readonly message: string } | null {
  const { message = '' } = (error ?? {}) as RestErrorShape
  if (message === 'Operation was canceled') return { code: 'Canceled', message }
  const [, code, reason] = /^The long-running operation has failed(?:\. (\w+)\. (.*))?$/s.exec(message) ?? []
  if (!message.startsWith('The long-running operation has failed')) return null
  return { code: code ?? 'Unknown', message: reason ?? message }
}

export function meansBusy(code: string): boolean {
  return CODE_BY_CODE[code] === 'CLOUD_BUSY'
}
