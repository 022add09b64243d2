/** The errors that simulated Cloud SQL can answer with, by the reason that clients read. Closed: an operation cannot invent one; some
 *  only ever come from an ordered fault. Sources: "Cloud SQL Admin API error messages" (its codes in camel case are the reasons),
 *  and answers of the real API that were quoted in public trackers of its clients. */

export const GCP_ERRORS = {
  alreadyExists: { http: 409, status: 'ALREADY_EXISTS' },
  authError: { http: 401, status: 'UNAUTHENTICATED' },
  backupRunDoesNotExist: { http: 404, status: 'NOT_FOUND' },
  badRequest: { http: 400, status: 'INVALID_ARGUMENT' },
  conditionNotMet: { http: 412, status: 'FAILED_PRECONDITION' },
  containerNotEmpty: { http: 400, status: 'FAILED_PRECONDITION' },
  errorBackupNotFound: { http: 400, status: 'INVALID_ARGUMENT' },
  errorReplicationMasterInvalidOperation: { http: 400, status: 'FAILED_PRECONDITION' },
  errorReplicationSlaveInvalidOperation: { http: 400, status: 'FAILED_PRECONDITION' },
  forbidden: { http: 403, status: 'PERMISSION_DENIED' },
  instanceAlreadyExists: { http: 409, status: 'ALREADY_EXISTS' },
  instanceDoesNotExist: { http: 404, status: 'NOT_FOUND' },
  internalError: { http: 500, status: 'INTERNAL' },
  invalid: { http: 400, status: 'INVALID_ARGUMENT' },
  invalidFlagName: { http: 400, status: 'INVALID_ARGUMENT' },
  invalidFlagValue: { http: 400, status: 'INVALID_ARGUMENT' },
  invalidOperation: { http: 400, status: 'FAILED_PRECONDITION' },
  notAuthorized: { http: 403, status: 'PERMISSION_DENIED' },
  notFound: { http: 404, status: 'NOT_FOUND' },
  notImplemented: { http: 501, status: 'UNIMPLEMENTED' },
  operationDoesNotExist: { http: 404, status: 'NOT_FOUND' },
  operationInProgress: { http: 409, status: 'ABORTED' },
  quotaExceeded: { http: 403, status: 'RESOURCE_EXHAUSTED' },
  rateLimitExceeded: { http: 429, status: 'RESOURCE_EXHAUSTED' },
  required: { http: 400, status: 'INVALID_ARGUMENT' },
  serverException: { http: 503, status: 'UNAVAILABLE' },
  sslCertDoesNotExist: { http: 404, status: 'NOT_FOUND' },
  staleData: { http: 412, status: 'FAILED_PRECONDITION' },
} as const satisfies Record<string, { http: number; status: string }>

export type GcpErrorReason = keyof typeof GCP_ERRORS

/** What is wrong with one field of a request. */
export interface FieldViolation {
  readonly field: string
  readonly description: string
}

export class GcpError extends Error {
  override readonly name = 'GcpError'

  constructor(
    readonly reason: GcpErrorReason,
    message: string,
    readonly more: { readonly location?: string; readonly violations?: readonly FieldViolation[] } = {},
  ) {
    super(message)
  }

  get http(): number {
    return GCP_ERRORS[this.reason].http
  }

  /** The body that a client gets. */
  body(): object {
    const { http: code, status } = GCP_ERRORS[this.reason]
    const { location, violations } = this.more
    const error = { message: this.message, domain: 'global', reason: this.reason, ...(location !== undefined && { location }) }
    const details = violations && [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: violations }]
    return { error: { code, message: this.message, errors: [error], status, ...(details && { details }) } }
  }
}

/** A request whose content Cloud SQL refuses. */
export function invalid(what: string): GcpError {
  return new GcpError('invalid', `Invalid request: ${what}.`)
}

export function missing(parameter: string): GcpError {
  return new GcpError('required', `Missing parameter: ${parameter}.`)
}

/** Something else has to end first. */
export function inProgress(): GcpError {
  return new GcpError(
    'operationInProgress',
    'Operation failed because another operation was already in progress. Try your request after the current operation is complete.',
  )
}
