import type { OperationId } from '../../contracts/operation'

export interface LockActivities {
  /** Takes the instance's lock, or refuses with INSTANCE_LOCKED naming the holder. Safe to repeat: the same operation gets the
   *  same epoch again. A holder whose workflow has ended is superseded. */
  acquireLock(input: { operation: OperationId; step: string; scope: string }): Promise<{ epoch: number }>
  /** Safe to repeat, and safe when the lock was never taken or is another's. */
  releaseLock(input: { operation: OperationId; step: string; scope: string }): Promise<void>
}
