/** Errors of the Cloud SQL Admin API → our closed table, by their reason, else by the HTTP status. An unknown 4xx is a defect, never an endless
 *  retry. Source: "Cloud SQL Admin API error messages" (its codes in camel case are the reasons), and google.rpc.Code.
 *  The vendor's library throws two shapes, by its version: a `GaxiosError` whose message is the body, and a `GoogleError` with a gRPC code
 *  whose body hides behind a symbol. Both are read here. */
import { type Failure, type FailureCode, failure } from '../../contracts/failures'
import { retryAfterMs } from '../attempts'
import { NO_CREDENTIALS } from '../credentials'

const CODE_BY_REASON: Readonly<Record<string, FailureCode>> = {
  instanceDoesNotExist: 'INSTANCE_NOT_FOUND',
  backupRunDoesNotExist: 'SNAPSHOT_NOT_FOUND',
  backupDoesNotExist: 'SNAPSHOT_NOT_FOUND',
  errorBackupNotFound: 'SNAPSHOT_NOT_FOUND',
  // One operation per instance; seen with 403, too.
  operationInProgress: 'CLOUD_BUSY',
  // Somebody changed the settings since they were read: they are read anew.
  staleData: 'CLOUD_BUSY',
  conditionNotMet: 'CLOUD_BUSY',
  authError: 'CREDENTIALS_REJECTED',
  required_auth: 'CREDENTIALS_REJECTED',
  forbidden: 'CREDENTIALS_REJECTED',
  notAuthorized: 'CREDENTIALS_REJECTED',
  insufficientPermissions: 'CREDENTIALS_REJECTED',
  accessNotConfigured: 'CREDENTIALS_REJECTED',
  rateLimitExceeded: 'CLOUD_THROTTLED',
  userRateLimitExceeded: 'CLOUD_THROTTLED',
  errorMaxInstancesExceeded: 'CLOUD_REFUSED',
  errorReplicationMasterInvalidOperation: 'CLOUD_REFUSED',
  errorReplicationSlaveInvalidOperation: 'CLOUD_REFUSED',
  errorResourceInUse: 'CLOUD_REFUSED',
  instanceAlreadyExists: 'CLOUD_REFUSED',
  invalid: 'CLOUD_REFUSED',
  invalidFlagName: 'CLOUD_REFUSED',
  invalidFlagValue: 'CLOUD_REFUSED',
  invalidOperation: 'CLOUD_REFUSED',
  invalidRequest: 'CLOUD_REFUSED',
  quotaExceeded: 'CLOUD_REFUSED',
}

/** google.rpc.Code, for answers that give no reason that is known. */
const CODE_BY_GRPC: Readonly<Record<number, FailureCode>> = {
  3: 'CLOUD_REFUSED',
  4: 'CLOUD_UNREACHABLE',
  7: 'CREDENTIALS_REJECTED',
  8: 'CLOUD_THROTTLED',
  9: 'CLOUD_REFUSED',
  10: 'CLOUD_BUSY',
  13: 'CLOUD_UNREACHABLE',
  14: 'CLOUD_UNREACHABLE',
  16: 'CREDENTIALS_REJECTED',
}

export interface ApiError {
  /** HTTP; null: no answer came. */
  readonly status: number | null
  readonly grpc: number | null
  /** Empty where none was given. */
  readonly reason: string
  readonly message: string
  readonly retryAfterMs: number | null
}

interface Thrown {
  readonly name?: string
  readonly message?: string
  readonly code?: unknown
  readonly httpStatusCode?: unknown
  readonly cause?: unknown
  readonly response?: {
    readonly status?: number
    readonly data?: unknown
    readonly headers?: { get(name: string): string | null }
  }
}

interface Payload {
  readonly code?: number
  readonly message?: string
  readonly errors?: readonly { readonly reason?: string }[]
}

const PAYLOAD = Symbol.for('google-gax.rawHttpResponsePayload')

export function apiError(error: unknown): ApiError {
  const thrown = (error ?? {}) as Thrown & { readonly [PAYLOAD]?: unknown }
  const payload = payloadOf(thrown[PAYLOAD] ?? thrown.message) ?? payloadOf(thrown.response?.data)
  const number = typeof thrown.code === 'number' ? thrown.code : null
  // Codes of gRPC end at 16, those of HTTP begin at 100.
  const grpc = number !== null && number <= 16 ? number : null
  const http = [thrown.response?.status, thrown.httpStatusCode, payload?.code, grpc === null ? number : undefined]
  const status = http.find((candidate): candidate is number => typeof candidate === 'number' && candidate >= 100)
  return {
    status: status ?? null,
    grpc,
    reason: payload?.errors?.[0]?.reason ?? '',
    message: payload?.message ?? thrown.message ?? '',
    retryAfterMs: retryAfterMs(thrown.response?.headers?.get('retry-after')),
  }
}

function payloadOf(raw: unknown): Payload | null {
  try {
    const body: unknown = typeof raw === 'string' ? JSON.parse(raw) : raw
    if (typeof body !== 'object' || body === null) return null
    return 'error' in body ? (body.error as Payload) : (body as Payload)
  } catch {
    return null
  }
}

const UNANSWERED =
  /^(ECONN\w+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|ERR_STREAM_PREMATURE_CLOSE|UND_ERR_\w+|AbortError|TimeoutError|FetchError)$/

/** Libraries wrap the socket's error, up to three times. */
function isUnanswered(error: unknown): boolean {
  let thrown = error as Thrown | undefined
  for (let depth = 0; depth < 4 && thrown; depth++) {
    if (typeof thrown.code === 'string' && UNANSWERED.test(thrown.code)) return true
    if (UNANSWERED.test(thrown.name ?? '') || thrown.message === 'fetch failed') return true
    thrown = thrown.cause as Thrown | undefined
  }
  return false
}

function codeOf(error: unknown, { status, grpc, reason }: ApiError): FailureCode {
  const named = CODE_BY_REASON[reason]
  if (named) return named
  if (status === 429) return 'CLOUD_THROTTLED'
  if (status === 401) return 'CREDENTIALS_REJECTED'
  if (status === 501) return 'CLOUD_UNEXPECTED'
  if (status !== null && status >= 500) return 'CLOUD_UNREACHABLE'
  const byGrpc = grpc === null || reason !== '' ? undefined : CODE_BY_GRPC[grpc]
  if (byGrpc) return byGrpc
  if (foundNone(error)) return 'CLOUD_UNREACHABLE'
  return status === null && isUnanswered(error) ? 'CLOUD_UNREACHABLE' : 'CLOUD_UNEXPECTED'
}

/** Of google-auth-library, in its own words. A machine's own credentials may be out of reach for a moment: it is tried again. */
function foundNone(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Could not load the default credentials')
}

/** Translates whatever the SDK threw while doing `action`. Cancellation passes through untouched. */
export function gcpFailure(action: string, error: unknown, signal: AbortSignal, service = 'Cloud SQL'): Failure | Error {
  if (signal.aborted) return signal.reason instanceof Error ? signal.reason : new Error('aborted')
  const read = apiError(error)
  const code = codeOf(error, read)
  const said = read.reason || (read.status === null ? 'no answer' : `HTTP ${read.status}`)
  const missing = foundNone(error)
  const message = missing
    ? `No credentials for Google Cloud were found, so that ${action} was not asked for; docs/real-clouds.md says which are taken.`
    : code === 'CLOUD_UNREACHABLE'
      ? `${service} did not answer ${action}: ${read.message || said}.`
      : `${service} refused ${action}: ${said}: ${read.message}`
  const waitMs = code === 'CLOUD_THROTTLED' ? read.retryAfterMs : null
  const facts = {
    cloud: 'gcp',
    action,
    error: said,
    ...(missing && NO_CREDENTIALS),
    ...(waitMs !== null && { retryAfterMs: waitMs }),
  }
  return failure(code, message, facts, { cause: error })
}

/** The resource that the call names is not there. */
export function isNotFound(error: unknown): boolean {
  const { status, grpc } = apiError(error)
  return status === 404 || grpc === 5
}
