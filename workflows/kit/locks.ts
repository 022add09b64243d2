/** The locks of an operation: its instance's, and another's where it changes two. Two are taken in the order of their scopes' names, whichever of them is the
 *  operation's own, so that of two operations which want the same two none ever waits for the other. */
import { CancellationScope, proxyActivities } from '@temporalio/workflow'
import type { LockActivities } from '../../activities/lock/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import { OPERATION_STEPS, type OperationId, type StepName } from '../../contracts/operation'
import { isDefect } from './failures'
import { quickAct } from './proxies'
import type { Run } from './run'

export interface LockSpec {
  /** Null: the operation changes nothing and needs no lock. */
  readonly lockScope: string | null
  /** Of the other instance that it changes; absent or null: none. */
  readonly otherLockScope?: string | null
  readonly heartbeatTimeoutMs: number
  /** How long it may wait for others that hold its locks, both together; absent: not at all. */
  readonly waitForLockMs?: number
}

/** 0: that lock was not asked for. */
export interface Epochs {
  readonly epoch: number
  readonly otherEpoch: number
}

export interface WantedLock {
  readonly scope: string
  readonly step: StepName
}

/** In the order in which they are taken. Code units, never a locale's order: every worker has to find the same. One instance has one lock, for both. */
export function locksInOrder({ lockScope, otherLockScope = null }: Pick<LockSpec, 'lockScope' | 'otherLockScope'>): WantedLock[] {
  const own = lockScope === null ? [] : [{ scope: lockScope, step: OPERATION_STEPS.lock }]
  const other =
    otherLockScope === null || otherLockScope === lockScope ? [] : [{ scope: otherLockScope, step: OPERATION_STEPS.lockOther }]
  return [...own, ...other].sort((a, b) => (a.scope < b.scope ? -1 : 1))
}

/** Whatever fails here leaves nothing behind: what was taken, and a place in a queue, `releaseLocks` gives back. */
export async function takeLocks(run: Run, spec: LockSpec): Promise<Epochs> {
  const { acquireLock, awaitLock } = proxyActivities<LockActivities>(quickAct(TASK_QUEUES.control, spec.heartbeatTimeoutMs))
  const { waitForLockMs = 0, lockScope, otherLockScope = null } = spec
  const until = new Date(Date.now() + waitForLockMs).toISOString()
  const epochs = new Map<string, number>()
  for (const { scope, step } of locksInOrder(spec)) {
    const asked = { operation: run.operation, step: step.id, scope }
    const { epoch } = await run.step(step, {
      do: () => (waitForLockMs > 0 ? awaitLock({ ...asked, until }) : acquireLock(asked)),
      detail: (taken) => ({ summary: `epoch ${taken.epoch}`, epoch: taken.epoch }),
    })
    epochs.set(scope, epoch)
  }
  const of = (scope: string | null): number => (scope === null ? 0 : (epochs.get(scope) ?? 0))
  return { epoch: of(lockScope), otherEpoch: of(otherLockScope) }
}

/** Also those that were never taken. One that could not be released keeps no other. */
export async function releaseLocks(run: Run, spec: LockSpec): Promise<void> {
  const wanted = locksInOrder(spec).reverse()
  if (wanted.length === 0) return
  const { releaseLock } = proxyActivities<LockActivities>(quickAct(TASK_QUEUES.control, spec.heartbeatTimeoutMs))
  const step = OPERATION_STEPS.unlock
  await run.step(step, {
    do: async () => {
      const failures: unknown[] = []
      for (const { scope } of wanted) {
        try {
          await releaseLock({ operation: run.operation, step: step.id, scope })
        } catch (error) {
          if (isDefect(error)) throw error
          failures.push(error)
        }
      }
      if (failures.length > 0) throw failures[0]
    },
  })
}

/** One more lock for as long as `act` lasts, beside those of the operation: of another instance, in whatever order. It is not waited for, and who does not wait
 *  stands in no ring with others. Fails with INSTANCE_LOCKED, and as `act` does. */
export async function withLock<T>(
  {
    operation,
    step,
    scope,
    heartbeatTimeoutMs,
  }: { readonly operation: OperationId; readonly step: string; readonly scope: string } & Pick<LockSpec, 'heartbeatTimeoutMs'>,
  act: (epoch: number) => Promise<T>,
): Promise<T> {
  const { acquireLock, releaseLock } = proxyActivities<LockActivities>(quickAct(TASK_QUEUES.control, heartbeatTimeoutMs))
  const asked = { operation, step, scope }
  const release = () => CancellationScope.nonCancellable(() => releaseLock(asked))
  let result: T
  try {
    const { epoch } = await acquireLock(asked)
    result = await act(epoch)
  } catch (error) {
    if (!isDefect(error)) await release()
    throw error
  }
  await release()
  return result
}
