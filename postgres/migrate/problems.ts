/** A statement's failure on its way to its sentence: which file and line, what the server said, and nothing about the data. */
import { type Failure, failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import type { Blocker } from './events'
import type { PlannedMigration, ScriptStatement } from './plan-script'
import { LineIndex } from './tokenizer'

/** The server refused one statement of a migration. */
export class StatementProblem extends Error {
  readonly statement: ScriptStatement
  readonly error: ServerError
  constructor(statement: ScriptStatement, error: ServerError) {
    super(error.message)
    this.statement = statement
    this.error = error
  }
}

/** Lock not had in time, deadlock, serialization: the same attempt may succeed later. */
const CONTENTION = new Set(['55P03', '40P01', '40001'])

export function isContention(error: unknown): boolean {
  const server = serverError(error)
  return server !== null && CONTENTION.has(server.sqlState)
}

function serverError(error: unknown): ServerError | null {
  if (error instanceof StatementProblem) return error.error
  return error instanceof ServerError ? error : null
}

export function problemLine(error: unknown): number | null {
  return error instanceof StatementProblem ? lineOf(error) : null
}

function lineOf({ statement, error }: StatementProblem): number {
  return statement.line + (error.position === null ? 0 : new LineIndex(statement.sql).lineAt(error.position) - 1)
}

/** What to throw for an error that ended a migration. Failures and aborts pass through. */
export function migrationFailure(migration: PlannedMigration, error: unknown, statementTimeoutMs: number): unknown {
  const server = serverError(error)
  if (server === null) return error
  const { script, version } = migration
  const line = problemLine(error)
  const where = line === null ? `${script}, at its commit` : `${script}:${line}`
  const facts = { script, version, line, sqlState: server.sqlState }
  const timedOut = server.sqlState === '57014' && statementTimeoutMs > 0 && server.message.includes('statement timeout')
  if (timedOut) {
    return failure(
      'MIGRATION_FAILED',
      `${where}: the statement took longer than the ${statementTimeoutMs} ms it is allowed.`,
      facts,
    )
  }
  const hint = server.sqlState === '2D000' ? ' It ends transactions itself: put it into a DO block or CALL of its own.' : ''
  return failure('MIGRATION_FAILED', `${where}: ${server.message} (SQLSTATE ${server.sqlState}).${hint}`, facts)
}

export function lockTimeoutFailure(
  migration: PlannedMigration,
  error: unknown,
  found: { readonly attempts: number; readonly lockTimeoutMs: number; readonly blocker: Blocker | null },
): Failure {
  const { blocker, attempts } = found
  const line = problemLine(error)
  const statement = error instanceof StatementProblem ? error.statement : null
  const named = statement?.relations.length === 1 ? (statement.relations[0] ?? null) : null
  const relation = blocker === null ? named : blocker.relation
  const where = line === null ? migration.script : `${migration.script}:${line}`
  // Concurrent index work waits for whole transactions rather than for a relation.
  const what =
    relation === null && blocker !== null
      ? 'older transactions did not end'
      : `no lock${relation === null ? '' : ` on ${relation}`}`
  const who =
    blocker === null
      ? 'who stood in the way is not known'
      : `process ${blocker.pid} (${blocker.application || 'no application name'}, ${blocker.state ?? 'state unknown'}) stood in the way`
  return failure(
    'MIGRATION_LOCK_TIMEOUT',
    `${where}: ${what} in ${attempts} attempts of ${found.lockTimeoutMs} ms each; ${who}. End it or raise the limits, then try again.`,
    {
      script: migration.script,
      line,
      relation,
      sqlState: serverError(error)?.sqlState ?? null,
      attempts,
      lockTimeoutMs: found.lockTimeoutMs,
      blockerPid: blocker?.pid ?? null,
      blockerApplication: blocker?.application ?? null,
      blockerState: blocker?.state ?? null,
    },
  )
}
