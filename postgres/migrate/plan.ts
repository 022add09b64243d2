/** Plans which migrations to apply, in order, down to the statement. Reads nothing but its arguments. */
import { setImmediate } from 'node:timers/promises'
import type { HistoryRow } from './history'
import { planInThread } from './plan-in-thread'
import { type PlannedMigration, planScript } from './plan-script'
import type { ResolvedMigration } from './resolve'
import { currentVersion, migrationStates, pendingMigrations, type StateOptions } from './state'

/** 64 Ki characters. The grammar cannot be interrupted and takes 0.3 s for a megabyte on a quiet machine: one statement of this length holds
 *  everything else up for some 20 ms, on a busy one for 100. Starting a thread takes about as long. */
const LARGE_LENGTH = 64 * 1024

export interface ApplyPlan {
  readonly pending: readonly PlannedMigration[]
  /** Highest applied version. */
  readonly current: string | null
  /** Version after the plan. */
  readonly target: string | null
}

export interface PlanInput extends StateOptions {
  readonly resolved: readonly ResolvedMigration[]
  readonly history: readonly HistoryRow[]
}

/** Throws MIGRATION_SYNTAX_ERROR or MIGRATION_UNSUPPORTED for a pending file, with file and line. It does not validate the history. */
export async function planMigrations(input: PlanInput): Promise<ApplyPlan> {
  const pending = pendingMigrations(migrationStates(input.resolved, input.history, input))
  const planned: PlannedMigration[] = []
  for (const migration of pending) planned.push(await planMigration(migration))
  const current = currentVersion(input.history)
  const last = pending.findLast(({ version }) => version !== null)?.version ?? null
  return { pending: planned, current, target: last ?? current }
}

/** One file's statements. The thread that calls it goes on meanwhile: a small file is read in turns, a large one by a thread of its own. */
export async function planMigration(migration: ResolvedMigration): Promise<PlannedMigration> {
  await setImmediate()
  return migration.content.length < LARGE_LENGTH ? planScript(migration) : planInThread(migration)
}
