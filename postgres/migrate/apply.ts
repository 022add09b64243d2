/** Applies what is pending, in order, under the migration lock and behind the fence. Safe to repeat after any interruption: what is in the
 *  history is skipped, a transaction that was cut is gone or found committed, a file that ran statement by statement continues where it
 *  stopped. It does not ask for approval and judges nothing. */
import { failure } from '../../contracts/failures'
import { refusePooler, type Session } from '../connect/session'
import type { StatementObserver } from '../observe/statement-observer'
import { applyStepwise } from './apply-stepwise'
import { applyTransactional } from './apply-transactional'
import { ensureControlSchema } from './control-schema'
import type { ApplyEvent } from './events'
import { assertFence, type FenceToken, readFence, tagSession } from './fence'
import { DEFAULT_HISTORY, ensureHistory, type HistoryLocation, type HistoryRow, readHistory } from './history'
import { acquireLock, releaseLock } from './lock'
import { type ApplyPlan, planMigrations } from './plan'
import type { PlannedMigration } from './plan-script'
import { migrationFailure } from './problems'
import { ProgressLog } from './progress'
import type { ResolvedMigration } from './resolve'
import type { ApplyLimits, RunContext } from './run-context'
import { statementsFor } from './run-for-standbys'
import { linePublications } from './schema-line'
import { refuseForStandbys } from './standby-class'
import { currentVersion, type StateOptions } from './state'
import { assertValid, validateMigrations } from './validate'

export interface ApplyInput extends StateOptions {
  /** Opens a connection to the target; called twice, and once more when a COMMIT's outcome is unknown. */
  readonly connect: () => Promise<Session>
  readonly resolved: readonly ResolvedMigration[]
  /** Without it the run takes the fence as it stands and stops when it changes. */
  readonly fence?: FenceToken
  readonly history?: HistoryLocation
  /** How long to wait for another run's lock. Default 10,000. */
  readonly lockWaitMs?: number
  /** Anything not given: 2,000 ms lock timeout, no statement timeout, 600,000 ms for concurrent index work, 5 attempts from 500 ms. */
  readonly limits?: Partial<ApplyLimits>
  /** For rehearsals. */
  readonly observer?: StatementObserver
  readonly signal?: AbortSignal
  readonly onEvent?: (event: ApplyEvent) => void
  /** Script. Pending files up to and with this one; none where it is applied already. */
  readonly upTo?: string
  /** Script. This pending file alone, whatever comes before it; none where it is applied already. */
  readonly only?: string
  /** `source`, unless given: where its lines are published, a file that changes the schema leaves one, and what cannot be carried over is refused before
   *  anything is applied. `standby`: leaves none, and no rows are changed: they come by themselves. */
  readonly as?: 'source' | 'standby'
  /** Called once under the lock, before anything changes; throw to stop (the plan is not the approved one). */
  readonly onPlan?: (plan: ApplyPlan, history: readonly HistoryRow[]) => void | Promise<void>
}

export interface AppliedMigration {
  readonly script: string
  readonly version: string | null
  readonly description: string
  readonly executionTimeMs: number
  readonly statements: number
  /** Part of it had run before an interruption. */
  readonly resumed: boolean
}

export interface ApplyResult {
  /** In this call only. */
  readonly applied: readonly AppliedMigration[]
  /** Highest version in the history afterwards. */
  readonly version: string | null
}

export const DEFAULT_LIMITS: ApplyLimits = {
  lockTimeoutMs: 2_000,
  statementTimeoutMs: 0,
  concurrentWaitMs: 600_000,
  lockRetries: { attempts: 5, delayMs: 500, delayMsMax: 30_000 },
}

/** After an abort what runs is cancelled. A server that is frozen or out of reach answers no cancel: then its connections are given up, and
 *  it rolls back what it had. */
const ABORT_WAIT_MS = 10_000

/** Throws MIGRATION_LOCK_HELD, MIGRATION_LOCK_TIMEOUT, MIGRATION_FAILED, MIGRATION_CHECKSUM_CHANGED, MIGRATION_HISTORY_INVALID,
 *  MIGRATION_NOT_FOR_STANDBYS, OPTION_INVALID for a script that is neither pending nor applied, HISTORY_BASELINE_NEEDED, FENCED_OFF, CONTROL_SCHEMA_FOREIGN, POOLER_REFUSED, CONNECTION_LOST, what planning throws, or the signal's reason. */
export async function applyMigrations(input: ApplyInput): Promise<ApplyResult> {
  const opened: Session[] = []
  const open = async () => {
    const session = await input.connect()
    opened.push(session)
    return session
  }
  let cut: NodeJS.Timeout | undefined
  const onAbort = (): void => {
    cut = setTimeout(() => void Promise.all(opened.map((session) => session.close())), ABORT_WAIT_MS)
  }
  input.signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await run(input, open)
  } finally {
    input.signal?.removeEventListener('abort', onAbort)
    clearTimeout(cut)
    await Promise.all(opened.map((session) => session.close()))
  }
}

async function run(input: ApplyInput, open: () => Promise<Session>): Promise<ApplyResult> {
  input.signal?.throwIfAborted()
  const at = input.history ?? DEFAULT_HISTORY
  const monitor = await open()
  refusePooler(monitor)
  await acquireLock(monitor, { at, waitMs: input.lockWaitMs ?? 10_000, signal: input.signal })
  const context = await createContext(input, at, monitor, open)
  await ensureHistory(context.work, at, () => assertFence(context.work, context.token))
  const { rows } = await readHistory(context.work, at)
  assertValid(validateMigrations(input.resolved, rows, input))
  const plan = await planMigrations({ ...input, history: rows })
  await input.onPlan?.(plan, rows)
  const pending = chosen(input, plan, rows)
  if (context.lines) refuseForStandbys(pending)
  const applied: AppliedMigration[] = []
  for (const [at, migration] of pending.entries()) applied.push(await applyOne(context, migration, pending[at + 1]))
  const after = applied.length === 0 ? rows : (await readHistory(context.work, at)).rows
  await releaseLock(monitor, at)
  return { applied, version: currentVersion(after) }
}

function chosen({ upTo, only }: ApplyInput, { pending }: ApplyPlan, rows: readonly HistoryRow[]): readonly PlannedMigration[] {
  const script = only ?? upTo
  if (script === undefined) return pending
  const at = pending.findIndex((migration) => migration.script === script)
  if (at >= 0) return pending.slice(only === undefined ? 0 : at, at + 1)
  if (rows.some((row) => row.script === script && row.success)) return []
  throw failure('OPTION_INVALID', `${script} is neither pending nor applied here, so nothing is applied up to it: plan again.`, {
    script,
  })
}

async function createContext(
  input: ApplyInput,
  history: HistoryLocation,
  monitor: Session,
  open: () => Promise<Session>,
): Promise<RunContext> {
  const work = await open()
  await ensureControlSchema(work)
  const token = input.fence ?? (await readFence(work))
  await tagSession(work, token)
  await tagSession(monitor, token)
  const as = input.as ?? 'source'
  return {
    as,
    lines: (await linePublications(work)).length > 0 || as === 'standby',
    work,
    begun: null,
    monitor,
    connect: open,
    token,
    history,
    progress: new ProgressLog(history),
    limits: { ...DEFAULT_LIMITS, ...input.limits },
    observer: input.observer ?? null,
    signal: input.signal,
    emit: (event) => input.onEvent?.(event),
  }
}

async function applyOne(
  context: RunContext,
  migration: PlannedMigration,
  next: PlannedMigration | undefined,
): Promise<AppliedMigration> {
  const { script, version, description, statements } = migration
  context.signal?.throwIfAborted()
  context.emit({ type: 'migration-started', script, version, statements: statements.length })
  const nothing = statementsFor(context.as, migration).length === 0
  const leavesState = statements.some(({ sql }) => LEAVES_STATE.test(sql))
  let executionTimeMs: number
  let resumed = false
  try {
    const beginNext = !leavesState && next?.transactional === true
    if (migration.transactional || nothing) executionTimeMs = await applyTransactional(context, migration, { beginNext })
    else ({ executionTimeMs, resumed } = await applyStepwise(context, migration))
  } catch (error) {
    throw migrationFailure(migration, error, context.limits.statementTimeoutMs)
  }
  if (leavesState) await context.work.reset()
  context.emit({ type: 'migration-applied', script, version, executionTimeMs })
  return { script, version, description, executionTimeMs, statements: statements.length, resumed }
}

/** What a script may have changed in the session must not reach the next one. */
const LEAVES_STATE = /\b(?:set|set_config|role|authorization|discard|reset)\b/i
