/** The lock of one instance: an entity that lives while the lock is held. It refuses a second taker by name. Who may wait enters a queue and asks
 *  again; the lock passes to the first of it when it is released, so that nobody overtakes. No update waits inside it (waiting ones are limited to
 *  ten). It has no clock: a holder is not expired blindly, but superseded by whoever has seen that its workflow has ended. The fencing epoch is
 *  the ledger's, since this workflow starts anew each time. */
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineUpdate,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import {
  type AcquireInput,
  LOCK_UPDATES,
  type LockRefusal,
  type LockState,
  type QueueInput,
  type ReleaseInput,
} from '../../contracts/lock'
import type { OperationId } from '../../contracts/operation'

export async function instanceLock(before?: LockState): Promise<void> {
  let holder: OperationId | null = before?.holder ?? null
  let waiting: readonly OperationId[] = before?.waiting ?? []
  let everHeld = holder !== null

  const give = (operation: OperationId | null): OperationId | null => {
    holder = operation
    everHeld ||= operation !== null
    waiting = waiting.filter((one) => one !== operation)
    return holder
  }

  setHandler(
    defineUpdate<OperationId | null, [AcquireInput]>(LOCK_UPDATES.acquire),
    ({ operation }) => give(holder === null || holder === operation ? operation : (waiting[0] ?? operation)),
    {
      validator: ({ operation, supersede }) => {
        if (holder === null || holder === operation || holder === supersede) return
        const refusal: LockRefusal = { holder, queued: waiting.includes(operation) }
        throw ApplicationFailure.nonRetryable(`The instance is locked by operation ${holder}.`, 'INSTANCE_LOCKED', refusal)
      },
    },
  )
  setHandler(defineUpdate<OperationId | null, [QueueInput]>(LOCK_UPDATES.queue), ({ operation }) => {
    if (holder === null) return give(operation)
    if (holder !== operation && !waiting.includes(operation)) waiting = [...waiting, operation]
    return holder
  })
  setHandler(defineUpdate<void, [ReleaseInput]>(LOCK_UPDATES.release), ({ operation }) => {
    waiting = waiting.filter((one) => one !== operation)
    if (holder === operation) give(waiting[0] ?? null)
  })

  const free = () => everHeld && holder === null
  const full = () => workflowInfo().continueAsNewSuggested
  await condition(() => (free() || full()) && allHandlersFinished())
  if (holder !== null) await continueAsNew<typeof instanceLock>({ holder, waiting })
}
