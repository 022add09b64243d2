/** A file whose statements all fit into a transaction: it and its history row are committed together or not at all. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../contracts/failures'
import { quoteQualified } from '../connect/quote'
import type { Session } from '../connect/session'
import type { Committed } from '../connect/then-commit'
import { tagSession } from './fence'
import { historyInsert } from './history'
import { withLockRetry } from './lock-retry'
import type { PlannedMigration } from './plan-script'
import { assertLockHeld, beginFenced, fencedBeginning, type RunContext } from './run-context'
import { begunForStandbys, statementsFor } from './run-for-standbys'
import { runStatement } from './run-statement'

/** Resolves to the execution time in milliseconds, as the history has it. `beginNext`: another such file follows at once, so that its
 *  transaction can begin together with this one's COMMIT. */
export async function applyTransactional(
  context: RunContext,
  migration: PlannedMigration,
  { beginNext }: { readonly beginNext: boolean },
): Promise<number> {
  return withLockRetry(context, migration, context.limits.lockTimeoutMs, async () => {
    const { work } = context
    let executionTimeMs: number
    try {
      await beginFenced(context)
      executionTimeMs = await runAll(context, migration)
    } catch (error) {
      if (work.open) await work.execute('ROLLBACK').catch(() => undefined)
      throw error
    }
    await commit(context, migration, executionTimeMs, beginNext)
    return executionTimeMs
  })
}

async function runAll(context: RunContext, migration: PlannedMigration): Promise<number> {
  const { work, observer } = context
  const started = performance.now()
  const told = await begunForStandbys(context, migration)
  const recording = await observer?.beginTransaction(work, migration.script)
  for (const statement of statementsFor(context.as, migration)) {
    if (statement.index === migration.standby.rowsFrom) await told.schemaDone()
    const durationMs = await runStatement(context, migration, statement)
    await recording?.after(statement, durationMs)
  }
  // The script may have changed its role; the bookkeeping is ours.
  if (migration.statements.some((statement) => statement.sessionState)) {
    await work.execute('SET SESSION AUTHORIZATION DEFAULT')
  }
  if (migration.standby.rowsFrom === null || context.as === 'standby') await told.schemaDone()
  await told.rowsDone()
  const executionTimeMs = Math.round(performance.now() - started)
  await recording?.save()
  assertLockHeld(context)
  context.signal?.throwIfAborted()
  return executionTimeMs
}

/** With the history's row, in one round trip. When the connection breaks meanwhile only the history can tell what happened. */
async function commit(
  context: RunContext,
  migration: PlannedMigration,
  executionTimeMs: number,
  beginNext: boolean,
): Promise<void> {
  const { work } = context
  const { sql, values } = historyInsert({ ...migration, executionTimeMs }, context.history)
  try {
    const committed = await work.commitWith(sql, values, beginNext ? fencedBeginning(context) : [])
    if (beginNext) await noteBeginning(context, committed)
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'CONNECTION_LOST') {
      if (work.open) await work.execute('ROLLBACK').catch(() => undefined)
      throw error
    }
    const session = await reconnect(context)
    if (session === null) throw error
    if (!(await wasCommitted(session, context, migration, work.backendPid))) {
      await session.close()
      throw error
    }
    context.work = session
  }
}

/** Where the next transaction could not begin, the next file begins it again and hears why. */
async function noteBeginning(context: RunContext, { fields, failed }: Committed): Promise<void> {
  const [epoch, attempt] = fields ?? []
  if (!failed && epoch != null && attempt != null) context.begun = { epoch: Number(epoch), attempt: Number(attempt) }
  else if (context.work.open) await context.work.execute('ROLLBACK').catch(() => undefined)
}

const RECONNECT_ATTEMPTS = 8
const RECONNECT_DELAY_MS = 500

async function reconnect(context: RunContext): Promise<Session | null> {
  for (let attempt = 1; attempt <= RECONNECT_ATTEMPTS; attempt++) {
    try {
      const session = await context.connect()
      await tagSession(session, context.token)
      return session
    } catch {
      await sleep(RECONNECT_DELAY_MS)
    }
  }
  return null
}

/** The old backend may still be at it: it is ended first, and the call waits until it is gone. */
async function wasCommitted(
  session: Session,
  context: RunContext,
  migration: PlannedMigration,
  oldPid: number,
): Promise<boolean> {
  const wait = session.serverVersionNum >= 140_000 ? ', 10000' : ''
  await session.query(
    `SELECT pg_terminate_backend(pid${wait}) FROM pg_catalog.pg_stat_activity
      WHERE pid = $1 AND application_name = current_setting('application_name')`,
    [oldPid],
  )
  const { schema, table } = context.history
  const rows = await session.query(
    `SELECT 1 FROM ${quoteQualified(schema, table)}
      WHERE installed_rank = (SELECT max(installed_rank) FROM ${quoteQualified(schema, table)}) AND success AND script = $1 AND checksum = $2`,
    [migration.script, migration.checksum],
  )
  return rows.length > 0
}
