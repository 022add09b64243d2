/** The lock of one instance: an entity that lives while the lock is held. It refuses a second taker by name and never lets one
 *  wait inside it (waiting updates are limited to ten). It has no clock: a holder is not expired blindly, but superseded by
 *  whoever has seen that its workflow has ended. The fencing epoch is the ledger's, since this workflow starts anew each time. */
import { ApplicationFailure, allHandlersFinished, condition, defineUpdate, setHandler } from '@temporalio/workflow'
import { type AcquireInput, LOCK_UPDATES, type ReleaseInput } from '../../contracts/lock'
import type { OperationId } from '../../contracts/operation'

export async function instanceLock(): Promise<void> {
  let holder: OperationId | null = null
  let everHeld = false

  setHandler(
    defineUpdate<void, [AcquireInput]>(LOCK_UPDATES.acquire),
    ({ operation }) => {
      holder = operation
      everHeld = true
    },
    {
      validator: ({ operation, supersede }) => {
        if (holder === null || holder === operation || holder === supersede) return
        throw ApplicationFailure.nonRetryable(`The instance is locked by operation ${holder}.`, 'INSTANCE_LOCKED', holder)
      },
    },
  )
  setHandler(defineUpdate<void, [ReleaseInput]>(LOCK_UPDATES.release), ({ operation }) => {
    if (holder === operation) holder = null
  })

  await condition(() => everHeld && holder === null && allHandlersFinished())
}
