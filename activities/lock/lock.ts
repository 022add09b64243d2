/** The instance's lock: asks the lock's entity workflow, and takes the fencing epoch from the ledger once it is granted. */
import { type Client, WithStartWorkflowOperation, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { type Failure, failure } from '../../contracts/failures'
import { LOCK_UPDATES, LOCK_WORKFLOW, type LockRefusal } from '../../contracts/lock'
import { TASK_QUEUES } from '../../contracts/messages'
import type { OperationId } from '../../contracts/operation'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { isRunning } from '../running'
import { notReadyYet } from '../waiting'
import type { LockActivities } from './contract'

interface Asking {
  readonly client: Client
  readonly scope: string
  readonly operation: OperationId
}

/** Resolves to who holds the lock then, or to its refusal. */
async function ask(
  { client, scope, operation }: Asking,
  update: typeof LOCK_UPDATES.acquire | typeof LOCK_UPDATES.queue,
  more: object = {},
): Promise<LockRefusal> {
  const startWorkflowOperation = new WithStartWorkflowOperation(LOCK_WORKFLOW, {
    workflowId: scope,
    taskQueue: TASK_QUEUES.control,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [],
    // Its decisions take milliseconds.
    workflowTaskTimeout: '3 seconds',
    staticSummary: `Lock held by ${operation}`,
  })
  try {
    const args: [object] = [{ operation, ...more }]
    const holder: unknown = await client.workflow.executeUpdateWithStart(update, { args, startWorkflowOperation })
    if (typeof holder !== 'string') throw new Error(`the lock ${scope} did not say who holds it`)
    // A dead holder's lock may pass to one that waits, and whoever rescued it is in no queue by that.
    return { holder, queued: update === LOCK_UPDATES.queue }
  } catch (error) {
    const cause = error instanceof WorkflowUpdateFailedError ? error.cause : null
    if (!(cause instanceof ApplicationFailure)) {
      // The lock workflow ended while the update was on its way, or the server is away: both pass.
      throw failure('LOCK_BUSY', `The lock ${scope} did not answer.`, { scope }, { cause: error })
    }
    const refusal: unknown = cause.details?.[0]
    if (cause.type !== 'INSTANCE_LOCKED' || !isRefusal(refusal)) throw error
    return refusal
  }
}

function isRefusal(value: unknown): value is LockRefusal {
  return typeof value === 'object' && value !== null && 'holder' in value && typeof value.holder === 'string'
}

/** Who holds the lock, once no dead holder stands in the way. */
async function tryAcquire(asking: Asking): Promise<LockRefusal> {
  let answer = await ask(asking, LOCK_UPDATES.acquire, { supersede: null })
  while (answer.holder !== asking.operation && !(await isRunning(asking.client, answer.holder))) {
    answer = await ask(asking, LOCK_UPDATES.acquire, { supersede: answer.holder })
  }
  return answer
}

function lockedBy({ holder }: LockRefusal, scope: string, waited = ''): Failure {
  const message = `The instance is locked by operation ${holder}, which is still running${waited}. Wait for it, or abort it with \`capstan ops abort ${holder}\`.`
  return failure('INSTANCE_LOCKED', message, { holder, scope })
}

export function createLockActivities({ ledger }: Pick<ActivityDeps, 'ledger'>): LockActivities {
  return {
    async acquireLock({ operation, scope }) {
      const { client } = assertMayAct()
      const answer = await tryAcquire({ client, scope, operation })
      if (answer.holder !== operation) throw lockedBy(answer, scope)
      return { epoch: await ledger.nextEpoch({ scope, operation }) }
    },
    async awaitLock({ operation, step, scope, until }) {
      const { client } = assertMayAct()
      let answer = await tryAcquire({ client, scope, operation })
      if (answer.holder !== operation) {
        if (Date.now() >= Date.parse(until)) throw lockedBy(answer, scope, ', as it was for as long as this run may wait for it')
        if (!answer.queued) answer = await ask({ client, scope, operation }, LOCK_UPDATES.queue)
      }
      const { holder } = answer
      if (holder !== operation) {
        const summary = `waits for ${holder}, which holds the lock, until ${until}`
        // What it waits for is worth less than the wait.
        await ledger.noteProgress({ operation, step, detail: { summary, waitsFor: holder } }).catch(() => undefined)
        throw notReadyYet(`The instance’s lock, for which ${operation} waits,`, `held by ${holder}`)
      }
      return { epoch: await ledger.nextEpoch({ scope, operation }) }
    },
    async releaseLock({ operation, scope }) {
      try {
        await currentAct()
          .client.workflow.getHandle(scope)
          .executeUpdate(LOCK_UPDATES.release, { args: [{ operation }] })
      } catch (error) {
        // No lock workflow is running: nobody holds it.
        if (error instanceof WorkflowNotFoundError) return
        throw failure('LOCK_BUSY', `The lock ${scope} did not answer.`, { scope }, { cause: error })
      }
    },
  }
}
