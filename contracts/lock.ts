/** Messages of the lock's entity workflow: one per instance, its workflow id is the lock's scope. */
import type { OperationId } from './operation'

export const LOCK_WORKFLOW = 'instanceLock'
export const LOCK_UPDATES = { acquire: 'acquire', release: 'release' } as const

/** Refused with INSTANCE_LOCKED, the holder's operation id as the failure's first detail. */
export interface AcquireInput {
  readonly operation: OperationId
  /** The dead holder to take the lock from: compare-and-set, so that of two rescuers one wins. */
  readonly supersede: OperationId | null
}
export interface ReleaseInput {
  readonly operation: OperationId
}
