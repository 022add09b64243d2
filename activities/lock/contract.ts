import type { IsoInstant, OperationId } from '../../contracts/operation'

export interface LockActivities {
  /** Takes the instance's lock, or refuses with INSTANCE_LOCKED naming the holder. Safe to repeat: the same operation gets the
   *  same epoch again. A holder whose workflow has ended is superseded. */
  acquireLock(input: { operation: OperationId; step: string; scope: string }): Promise<{ epoch: number }>
  /** The same for one that may wait: enters the queue and polls once; NOT_READY_YET until the lock is its own, INSTANCE_LOCKED from `until` on.
   *  The step's record says who holds it. Safe to repeat; `releaseLock` leaves the queue. */
  awaitLock(input: { operation: OperationId; step: string; scope: string; until: IsoInstant }): Promise<{ epoch: number }>
  /** Hands it on to the first that waits. Safe to repeat, and safe when the lock was never taken or is another's. */
  releaseLock(input: { operation: OperationId; step: string; scope: string }): Promise<void>
}
