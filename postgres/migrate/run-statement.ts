/** One statement on the work connection, COPY data included. */
import { ServerError } from '../connect/errors'
import type { PlannedMigration, ScriptStatement } from './plan-script'
import { StatementProblem } from './problems'
import { eventAt, type RunContext } from './run-context'

/** Resolves to its duration in milliseconds. Throws StatementProblem when the server refuses it, or the signal's reason. */
export async function runStatement(
  context: RunContext,
  migration: PlannedMigration,
  statement: ScriptStatement,
): Promise<number> {
  const { work, signal } = context
  context.emit({ type: 'statement-started', ...eventAt(migration, statement) })
  const started = performance.now()
  try {
    if (statement.copyData === null) await work.execute(statement.sql, { signal })
    else await work.copyIn(statement.sql, statement.copyData, { signal })
  } catch (error) {
    throw error instanceof ServerError ? new StatementProblem(statement, error) : error
  }
  const durationMs = performance.now() - started
  context.emit({ type: 'statement-finished', ...eventAt(migration, statement), durationMs: Math.round(durationMs) })
  return durationMs
}
