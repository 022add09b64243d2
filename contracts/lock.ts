/** Messages of the lock's entity workflow: one per instance, its workflow id is the lock's scope. */
import type { OperationId } from './operation'

export const LOCK_WORKFLOW = 'instanceLock'
export const LOCK_UPDATES = { acquire: 'acquire', queue: 'queue', release: 'release' } as const

/** Answered with who holds the lock then. Refused with INSTANCE_LOCKED, its first detail a `LockRefusal`. */
export interface AcquireInput {
  readonly operation: OperationId
  /** The dead holder to take the lock from: compare-and-set, so that of two rescuers one wins. Those that wait come before the rescuer. */
  readonly supersede: OperationId | null
}
export interface LockRefusal {
  readonly holder: OperationId
  /** Whether the one that asked is in the queue. */
  readonly queued: boolean
}
/** Answered with who holds the lock then: the one that asks, when it was free. */
export interface QueueInput {
  readonly operation: OperationId
}
/** Also leaves the queue. */
export interface ReleaseInput {
  readonly operation: OperationId
}

/** The lock that an operation holds. */
export interface LockRef {
  readonly scope: string
  readonly epoch: number
}

/** What a lock hands on to itself, since one run of a workflow takes a limited number of updates. */
export interface LockState {
  readonly holder: OperationId
  /** In the order in which they get the lock. */
  readonly waiting: readonly OperationId[]
}
