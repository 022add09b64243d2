/** What the ledger's database answers, named by what happens next. Its own refusals pass through; anything unforeseen stays a
 *  plain `Error`, a defect. Server messages are repeated, DETAIL and CONTEXT never. */
import { types } from 'node:util'
import { Failure, failure } from '../contracts/failures'

/** Errors of the socket: nothing was answered. */
const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ENOENT',
])

/** SQLSTATEs after which the same call may succeed: connection trouble, shutting down, starting up, no such database yet, cancelled for
 *  taking too long, serialization, read-only standby; and what an administrator has to mend first: full disks, locks, input and output
 *  errors. The record is not given up for any of them. Only an error in our own statements is a defect. */
const PASSING_STATES = /^(08...|25006|3D000|40...|53...|55...|57...|58...|F0...|XX...)$/

/** The tables or the schema are not there: the ledger's own migrations have not run yet. */
const NOT_MIGRATED_STATES = new Set(['42P01', '3F000', '42703'])

/** Messages with which `pg` itself reports a connection that went away or was never made. */
const LOST_MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|not queryable|pool after calling end/

/** What the migration engine calls a database that is not there. */
const ENGINE_UNREACHABLE: ReadonlySet<string> = new Set(['DATABASE_UNREACHABLE', 'DATABASE_UNKNOWN', 'CONNECTION_LOST'])

export function ledgerFailure(error: unknown, where: string): unknown {
  // `isNativeError`: the runtime's own errors are of another realm under some test runners and sandboxes.
  if (error instanceof Failure && ENGINE_UNREACHABLE.has(error.code)) {
    return failure('LEDGER_UNREACHABLE', `The ledger cannot be reached: ${error.message}`, { where })
  }
  if (error instanceof Failure || !types.isNativeError(error)) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (/^28/.test(code)) {
    return failure(
      'CREDENTIALS_REJECTED',
      `The ledger at ${where} rejects the credentials: ${error.message}. Check the user and the password in CAPSTAN_LEDGER_URL.`,
      { where },
    )
  }
  if (NOT_MIGRATED_STATES.has(code)) {
    const message = `The ledger at ${where} has no tables of this version yet (${error.message}); start a worker of this version, which brings them.`
    return failure('LEDGER_UNREACHABLE', message, { where, sqlstate: code })
  }
  if (SOCKET_CODES.has(code) || PASSING_STATES.test(code) || LOST_MESSAGES.test(error.message)) {
    const said = SOCKET_CODES.has(code) || error.message === '' ? code : error.message
    const message = `The ledger at ${where} cannot be reached (${said}). Check that it runs and that CAPSTAN_LEDGER_URL is right.`
    return failure('LEDGER_UNREACHABLE', message, { where })
  }
  // The driver's error carries DETAIL and WHERE, which hold row values: only its sentence goes on.
  return code === '' ? error : new Error(`The ledger refused: ${error.message} (SQLSTATE ${code}).`)
}

/** True when a row names an operation that the ledger does not hold. */
export function isMissingOperation(error: unknown): boolean {
  return types.isNativeError(error) && 'code' in error && error.code === '23503'
}
