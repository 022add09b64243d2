/** The closed table of failures. A failure is named by what happens next, never by where it arose: its kind decides
 *  whether Temporal retries it, which exit code the command line returns and which HTTP status the API answers.
 *  A check that says no is a finding: it is returned, never thrown. A broken invariant is a defect: a plain `Error`. */

/** What happens next. `temporal`: whether the activity is retried; `exit`: the command line's code; `http`: the API's status. */
export const FAILURE_KINDS = {
  /** A precondition is false, or a statement was refused: the same request would be refused again. Nothing was changed by what was refused;
   *  what an operation had applied before it stays, and its record says so. */
  refused: { retried: false, exit: 3, http: 409 },
  /** Throttled, network, busy: the same call may succeed later. */
  transient: { retried: true, exit: 4, http: 503 },
  /** The world differs from the plan: plan again. */
  drift: { retried: false, exit: 5, http: 409 },
  /** An undo is incomplete and a person is needed. */
  stranded: { retried: false, exit: 6, http: 500 },
  /** The caller's input is wrong: field, value, what would be right. */
  invalid: { retried: false, exit: 2, http: 422 },
  /** A person rejected or aborted the operation. */
  aborted: { retried: false, exit: 7, http: 409 },
  /** A broken invariant, or an answer nobody foresaw. */
  defect: { retried: false, exit: 70, http: 500 },
} as const satisfies Record<string, { retried: boolean; exit: number; http: number }>

export type FailureKind = keyof typeof FAILURE_KINDS

/** Every failure code with its kind. Codes are stable: scripts and alerts depend on them. */
export const FAILURES = {
  // input
  FLEET_FILE_MISSING: 'invalid',
  FLEET_FILE_INVALID: 'invalid',
  DATABASE_UNKNOWN: 'invalid',
  OPTION_INVALID: 'invalid',
  OPERATION_UNKNOWN: 'invalid',
  SCHEDULE_UNKNOWN: 'invalid',
  STANDBY_UNKNOWN: 'invalid',
  SECRET_UNRESOLVED: 'invalid',
  CREDENTIALS_MISSING: 'invalid',
  MIGRATIONS_MISSING: 'invalid',
  MIGRATION_NAME_INVALID: 'invalid',
  MIGRATION_VERSION_DUPLICATE: 'invalid',
  MIGRATION_DESCRIPTION_DUPLICATE: 'invalid',
  MIGRATION_SYNTAX_ERROR: 'invalid',
  MIGRATION_UNSUPPORTED: 'invalid',
  // reachability
  DATABASE_UNREACHABLE: 'transient',
  LEDGER_UNREACHABLE: 'transient',
  TEMPORAL_UNREACHABLE: 'transient',
  CLOUD_UNREACHABLE: 'transient',
  CLOUD_THROTTLED: 'transient',
  CLOUD_BUSY: 'transient',
  CONNECTION_LOST: 'transient',
  NOT_READY_YET: 'transient',
  HEARTBEAT_GAP: 'transient',
  TEMPORAL_REFUSED: 'refused',
  LAB_UNREACHABLE: 'transient',
  LAB_REFUSED: 'refused',
  CREDENTIALS_REJECTED: 'refused',
  PASSWORD_WITHHELD: 'refused',
  DATABASE_REFUSED: 'refused',
  POOLER_REFUSED: 'refused',
  // clouds
  CLOUD_REFUSED: 'refused',
  ACCOUNT_MISMATCH: 'refused',
  TARGET_MISMATCH: 'refused',
  INSTANCE_NOT_FOUND: 'refused',
  SNAPSHOT_NOT_FOUND: 'refused',
  MOMENT_OUT_OF_REACH: 'refused',
  RESOURCE_NOT_OURS: 'refused',
  RESOURCE_FAILED: 'refused',
  CLOUD_UNEXPECTED: 'defect',
  // locks and fences
  INSTANCE_LOCKED: 'refused',
  LOCK_BUSY: 'transient',
  MIGRATION_LOCK_HELD: 'refused',
  FENCED_OFF: 'refused',
  CONTROL_SCHEMA_FOREIGN: 'refused',
  FENCE_REFUSED: 'refused',
  FENCE_NOT_PROVEN: 'refused',
  FENCE_LIFTED: 'refused',
  BARRIER_NOT_PASSED: 'refused',
  // endpoints
  ENDPOINT_UNREACHABLE: 'transient',
  ENDPOINT_REFUSED: 'refused',
  ENDPOINT_DRIFTED: 'drift',
  // migrations
  MIGRATION_FAILED: 'refused',
  MIGRATION_LOCK_TIMEOUT: 'refused',
  MIGRATION_OUTCOME_UNKNOWN: 'refused',
  MIGRATION_NOT_FOR_STANDBYS: 'refused',
  MIGRATION_CHECKSUM_CHANGED: 'drift',
  MIGRATION_HISTORY_INVALID: 'drift',
  HISTORY_BASELINE_NEEDED: 'refused',
  // standbys
  STANDBY_EXISTS: 'refused',
  STANDBY_CHANGED: 'drift',
  STANDBY_DIFFERS: 'refused',
  // rows brought back
  ROWS_UNRECOVERABLE: 'refused',
  ROW_RECOVERY_UNDER_WAY: 'refused',
  TRIGGERS_WOULD_FIRE: 'refused',
  // plan and approval
  PLAN_DRIFTED: 'drift',
  BUNDLE_MISSING: 'refused',
  VERIFICATION_TIMED_OUT: 'refused',
  PRICE_MISSING: 'refused',
  COST_TOO_HIGH: 'refused',
  CANARY_NOT_INERT: 'refused',
  OPERATION_EXISTS: 'refused',
  SCHEDULE_BUSY: 'refused',
  OPERATION_REJECTED: 'aborted',
  OPERATION_ABORTED: 'aborted',
  OPERATION_CLOSED: 'refused',
  OPERATION_NOT_STARTED: 'refused',
  NO_WAY_BACK: 'refused',
  OPERATION_NOT_WAITING: 'refused',
  APPROVAL_REFUSED: 'refused',
  EVIDENCE_MISSING: 'refused',
  EVIDENCE_UNREADABLE: 'refused',
  UNDO_INCOMPLETE: 'stranded',
  EMBEDDED_RUNNING: 'refused',
  FOLDER_NOT_OURS: 'refused',
  EMBEDDED_START_FAILED: 'transient',
  DEFECT: 'defect',
} as const satisfies Record<string, FailureKind>

export type FailureCode = keyof typeof FAILURES

/** Facts that explain a failure: plain values, never row contents or secrets. */
export type FailureFacts = Readonly<Record<string, string | number | boolean | null>>

/** Plain, so that rooms without Temporal can throw it; a worker's interceptor turns it into Temporal's failure. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: FailureCode
  readonly facts: FailureFacts
  constructor(code: FailureCode, message: string, facts: FailureFacts = {}, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.facts = facts
  }
  get kind(): FailureKind {
    return FAILURES[this.code]
  }
}

/** Builds a failure. `message`: what was found, what was allowed, what to do. */
export function failure(code: FailureCode, message: string, facts: FailureFacts = {}, options?: { cause?: unknown }): Failure {
  return new Failure(code, message, facts, options)
}

export function isFailureCode(value: string): value is FailureCode {
  return Object.hasOwn(FAILURES, value)
}
