/** What the migration engine tells whoever watches it, and what a watcher records. */
import type { Session } from '../connect/session'
import type { ScriptStatement } from '../migrate/plan-script'
import type { LockMode } from './lock-modes'

export interface HeldLock {
  /** `schema.table`, as it was called before the migration. */
  readonly relation: string
  readonly mode: LockMode
  /** From the start of the statement that took it to the commit; outside a transaction the span in which samples showed it. */
  readonly heldMs: number
  /** Seen by sampling each 10 ms rather than read exactly. */
  readonly sampled: boolean
}

export interface Rewrite {
  readonly relation: string
  /** Counted up to 5 million, beyond that PostgreSQL's estimate. */
  readonly rows: number
}

export interface StatementRecord {
  readonly script: string
  /** 0-based. */
  readonly index: number
  readonly line: number
  /** At most 200 characters, without constants. */
  readonly sql: string
  readonly kind: string
  readonly durationMs: number
  readonly walBytes: number
  /** The strongest mode per relation that existed before the run, where this statement was the first to take it. */
  readonly locks: readonly HeldLock[]
  /** Tables and materialized views that existed before the run and got new storage. TRUNCATE does not count. */
  readonly rewrites: readonly Rewrite[]
}

export type ObservedStatement = Pick<ScriptStatement, 'index' | 'line' | 'sql' | 'kind'>

export interface TransactionRecording {
  after(statement: ObservedStatement, durationMs: number): Promise<void>
  /** Right before COMMIT. */
  save(): Promise<void>
}

export interface SampledRecording {
  /** The statement has succeeded. */
  save(statement: ObservedStatement, durationMs: number): Promise<void>
  /** The statement has failed: nothing is recorded. */
  abandon(): Promise<void>
}

export interface StatementObserver {
  /** Inside the transaction, before its first statement. */
  beginTransaction(session: Session, script: string): Promise<TransactionRecording>
  /** Before a statement that runs outside a transaction on `session`; `monitor` is another connection to the same database. */
  beginOutside(session: Session, monitor: Session, script: string): Promise<SampledRecording>
}
