/** What the parts of one apply run share: its two connections, its fence token and its limits. */

import { lost } from '../connect/errors'
import type { Session } from '../connect/session'
import type { StatementObserver } from '../observe/statement-observer'
import type { ApplyEvent } from './events'
import { assertFence, compareFence, type FenceToken, LOCK_FENCE } from './fence'
import type { HistoryLocation } from './history'
import type { PlannedMigration, ScriptStatement } from './plan-script'
import type { ProgressLog } from './progress'

export interface LockRetries {
  /** The first included. */
  readonly attempts: number
  /** Pause after the first failed attempt; it doubles each time. */
  readonly delayMs: number
  readonly delayMsMax: number
}

export interface ApplyLimits {
  /** Longest wait of one statement for one lock. */
  readonly lockTimeoutMs: number
  /** Longest statement; 0 for no limit. */
  readonly statementTimeoutMs: number
  /** As `lockTimeoutMs`, for concurrent index work: it waits for older transactions without blocking anyone. */
  readonly concurrentWaitMs: number
  readonly lockRetries: LockRetries
}

export interface RunContext {
  /** Runs the statements. Replaced when the connection broke during a COMMIT that turned out to have happened. */
  work: Session
  /** A transaction is open on `work` already, begun together with the last COMMIT: what the fence was then. */
  begun: FenceToken | null
  /** Holds the migration lock; idle and outside any transaction, so it also watches. */
  readonly monitor: Session
  readonly connect: () => Promise<Session>
  readonly token: FenceToken
  readonly as: 'source' | 'standby'
  /** Somebody follows: what cannot be carried over is refused, and on a source files leave their lines. */
  readonly lines: boolean
  readonly history: HistoryLocation
  readonly progress: ProgressLog
  readonly limits: ApplyLimits
  readonly observer: StatementObserver | null
  readonly signal: AbortSignal | undefined
  readonly emit: (event: ApplyEvent) => void
}

/** A fenced transaction on the work connection. Throws CONNECTION_LOST when the migration lock went away with its connection. */
export async function fencedTransaction<T>(context: RunContext, work: () => Promise<T>): Promise<T> {
  const { work: session } = context
  try {
    await beginFenced(context)
    const result = await work()
    assertLockHeld(context)
    await session.execute('COMMIT')
    return result
  } catch (error) {
    if (session.open) await session.execute('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** BEGIN, the limits and the fence: in one round trip, or in none where the last COMMIT has brought them. */
export async function beginFenced(context: RunContext): Promise<void> {
  const { work, token, begun } = context
  context.begun = null
  if (begun !== null) compareFence(token, begun)
  else await assertFence(work, token, `BEGIN; ${limitsOf(context).join('; ')}; `)
}

/** What begins a fenced transaction, to be sent behind a COMMIT; it answers with LOCK_FENCE's row. */
export function fencedBeginning(context: RunContext): readonly string[] {
  return ['BEGIN', ...limitsOf(context), LOCK_FENCE]
}

function limitsOf({ limits }: RunContext): readonly string[] {
  return [
    `SET LOCAL lock_timeout = ${ms(limits.lockTimeoutMs)}`,
    `SET LOCAL statement_timeout = ${ms(limits.statementTimeoutMs)}`,
  ]
}

/** For statements outside transactions. */
export async function setTimeouts({ work, limits }: RunContext, lockTimeoutMs: number): Promise<void> {
  await work.execute(`SET lock_timeout = ${ms(lockTimeoutMs)}; SET statement_timeout = ${ms(limits.statementTimeoutMs)}`)
}

function ms(value: number): string {
  return `'${Math.max(0, Math.ceil(value))}ms'`
}

export function assertLockHeld({ monitor }: RunContext): void {
  if (!monitor.open) throw lost(monitor.endpoint, 'the migration lock went with it')
}

export function eventAt(migration: PlannedMigration, { index, line, kind }: ScriptStatement) {
  return { script: migration.script, index, line, kind }
}
