/** A file with at least one statement that PostgreSQL refuses inside a transaction: it runs statement by statement, each recorded in the
 *  target, so that whoever comes after an interruption continues at the right one. What may not run twice does not: `outcome.ts`. */
import { Failure } from '../../contracts/failures'
import { dropInvalidIndex, indexFacts, prepareIndex } from './concurrent-index'
import { prepareConcurrent } from './concurrent-remains'
import { historyInsert } from './history'
import { withLockRetry } from './lock-retry'
import { refuseUnknownOutcome } from './outcome'
import type { PlannedMigration, ScriptStatement } from './plan-script'
import { StatementProblem } from './problems'
import type { ProgressRow } from './progress'
import { assertLockHeld, eventAt, fencedTransaction, type RunContext, setTimeouts } from './run-context'
import { runStatement } from './run-statement'

export interface StepwiseResult {
  readonly executionTimeMs: number
  /** Some of its statements had run before an interruption. */
  readonly resumed: boolean
}

export async function applyStepwise(context: RunContext, migration: PlannedMigration): Promise<StepwiseResult> {
  const progress = await context.progress.read(context.work, migration)
  refuseUnknownOutcome(context, migration, progress)
  let totalMs = 0
  for (const statement of migration.statements) {
    const row = progress.get(statement.index)
    if (row?.state === 'done' && !statement.sessionState) {
      context.emit({ type: 'statement-skipped', ...eventAt(migration, statement) })
      totalMs += row.durationMs
      continue
    }
    context.signal?.throwIfAborted()
    assertLockHeld(context)
    if (statement.transactional) totalMs += await stepInside(context, migration, statement)
    else
      totalMs += await stepOutside(
        context,
        migration,
        statement,
        row?.state === 'intended' && row.digest === statement.digest ? row : null,
      )
  }
  const executionTimeMs = Math.round(totalMs)
  await fencedTransaction(context, async () => {
    const { sql, values } = historyInsert({ ...migration, executionTimeMs }, context.history)
    await context.work.query(sql, values)
    await context.progress.clear(context.work, migration.script)
  })
  return { executionTimeMs, resumed: progress.size > 0 }
}

async function stepInside(context: RunContext, migration: PlannedMigration, statement: ScriptStatement): Promise<number> {
  return withLockRetry(context, migration, context.limits.lockTimeoutMs, () =>
    fencedTransaction(context, async () => {
      const recording = await context.observer?.beginTransaction(context.work, migration.script)
      const durationMs = await runStatement(context, migration, statement)
      await recording?.after(statement, durationMs)
      await context.progress.done(context.work, migration.script, statement, durationMs)
      await recording?.save()
      return durationMs
    }),
  )
}

async function stepOutside(
  context: RunContext,
  migration: PlannedMigration,
  statement: ScriptStatement,
  prior: ProgressRow | null,
): Promise<number> {
  const lockTimeoutMs = statement.kind.endsWith('CONCURRENTLY') ? context.limits.concurrentWaitMs : context.limits.lockTimeoutMs
  const facts = prior?.facts ?? (await indexFacts(context.work, statement))
  let interrupted = prior !== null
  const attempt = async () => {
    await fencedTransaction(context, async () => undefined)
    const alreadyDone = await remainsSettled(context, migration, statement, facts, interrupted, lockTimeoutMs)
    if (alreadyDone) {
      await fencedTransaction(context, () => context.progress.done(context.work, migration.script, statement, 0))
      return 0
    }
    // The fence is checked here, right before the statement that cannot check it itself.
    await fencedTransaction(context, () => context.progress.intend(context.work, migration.script, statement, facts))
    interrupted = true
    try {
      return await runOutside(context, migration, statement)
    } catch (error) {
      if (statement.repeat === 'once' && failedWhole(context, error)) {
        await fencedTransaction(context, () => context.progress.forget(context.work, migration.script, statement))
        interrupted = false
      }
      throw error
    }
  }
  const mayRepeat = () => !interrupted || statement.repeat === 'safe'
  try {
    return await withLockRetry(context, migration, lockTimeoutMs, attempt, mayRepeat)
  } catch (error) {
    if (buildFailed(context, error)) await cleanUp(context, migration, statement, facts).catch(() => undefined)
    throw error
  }
}

/** The server said that the statement failed, or that it stopped when it was told to; what a broken connection hides is not known. */
function failedWhole({ work, signal }: RunContext, error: unknown): boolean {
  return work.open && (error instanceof StatementProblem || (signal?.aborted === true && error === signal.reason))
}

/** The statement itself failed or was aborted; whoever is fenced off or lost its connection touches nothing more. */
function buildFailed(context: RunContext, error: unknown): boolean {
  if (!context.work.open) return false
  const lockTimedOut = error instanceof Failure && error.code === 'MIGRATION_LOCK_TIMEOUT'
  return error instanceof StatementProblem || lockTimedOut || context.signal?.aborted === true
}

async function cleanUp(
  context: RunContext,
  migration: PlannedMigration,
  statement: ScriptStatement,
  facts: Readonly<Record<string, unknown>>,
): Promise<void> {
  await fencedTransaction(context, async () => undefined)
  await setTimeouts(context, context.limits.lockTimeoutMs)
  await dropInvalidIndex(context, migration, statement, facts)
}

/** Deals with what an interrupted attempt left. True when there is nothing left to run. */
async function remainsSettled(
  context: RunContext,
  migration: PlannedMigration,
  statement: ScriptStatement,
  facts: Readonly<Record<string, unknown>>,
  interrupted: boolean,
  lockTimeoutMs: number,
): Promise<boolean> {
  if (!setsOwnTimeout(migration)) await setTimeouts(context, lockTimeoutMs)
  if (statement.concurrentIndex !== null) return prepareIndex(context, migration, statement, facts, interrupted)
  return interrupted && (await prepareConcurrent(context.work, statement))
}

async function runOutside(context: RunContext, migration: PlannedMigration, statement: ScriptStatement): Promise<number> {
  const recording = await context.observer?.beginOutside(context.work, context.monitor, migration.script)
  let durationMs: number
  try {
    durationMs = await runStatement(context, migration, statement)
  } catch (error) {
    await recording?.abandon()
    throw error
  }
  await recordDone(context, migration, statement, durationMs, recording)
  return durationMs
}

async function recordDone(
  context: RunContext,
  migration: PlannedMigration,
  statement: ScriptStatement,
  durationMs: number,
  recording: Awaited<ReturnType<NonNullable<RunContext['observer']>['beginOutside']>> | undefined,
): Promise<void> {
  await recording?.abandon()
  await fencedTransaction(context, async () => {
    await recording?.save(statement, durationMs)
    await context.progress.done(context.work, migration.script, statement, durationMs)
  })
}

/** A script that sets lock_timeout for itself keeps its value. */
function setsOwnTimeout(migration: PlannedMigration): boolean {
  return migration.statements.some(({ sessionState, sql }) => sessionState && /lock_timeout/i.test(sql))
}
