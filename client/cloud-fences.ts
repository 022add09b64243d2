/** The fences of instances as people ask for them: which there are, and the end of one. Workers lift them: doors hold no cloud's credentials. */
import { failure } from '../contracts/failures'
import { type FencedInstance, fenceScope, LIFT_FENCE_WORKFLOW, type LiftFenceInput } from '../contracts/instance-fence'
import { TASK_QUEUES } from '../contracts/messages'
import type { Ledger } from '../ledger/ledger'
import type { Doors } from './decide'
import { hasTimedOut, temporalFailure } from './temporal'

/** A start takes a cloud minutes. */
const LIFT_TIMEOUT_MS = 30 * 60_000

export interface Lifting extends Pick<LiftFenceInput, 'toUs' | 'writer' | 'by' | 'reason' | 'heartbeatTimeoutMs'> {
  /** The instance's name, its database's in the fleet file, or its place as `fenceScope` has it. */
  readonly named: string
}

/** Resolves to what it came to, in a sentence, once that is done. Fails with OPTION_INVALID where no fence of that name stands or several do, NOT_READY_YET where
 *  no worker is done in time, with FENCE_REFUSED, and with the codes of clouds, Temporal and ledger. */
export async function liftFence(
  { ledger, temporal }: Doors,
  { named, ...lifting }: Lifting,
): Promise<{ fence: FencedInstance; summary: string }> {
  const fence = await standingFence(ledger, named)
  const { cloud, operation, bundle, instance, instanceId } = fence
  const input: LiftFenceInput = { version: 1, fence: { cloud, operation, bundle, instance, instanceId }, ...lifting }
  try {
    const summary = await temporal.client.workflow.execute<(input: LiftFenceInput) => Promise<string>>(LIFT_FENCE_WORKFLOW, {
      workflowId: `lift-fence/${fenceScope(fence)}`,
      taskQueue: TASK_QUEUES.control,
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
      workflowExecutionTimeout: LIFT_TIMEOUT_MS,
      staticSummary: `${lifting.toUs ? 'Starts' : 'Lifts the fence of'} ${instance}, as ${lifting.by} says`,
    })
    return { fence, summary }
  } catch (error) {
    if (await hasTimedOut(error)) {
      const message = `Workers were not done within ${LIFT_TIMEOUT_MS / 60_000} min: check that those for control and ${cloud} run, and see "capstan fence list".`
      throw failure('NOT_READY_YET', message, { instance }, { cause: error })
    }
    throw temporalFailure(error, temporal.target)
  }
}

export async function standingFence(ledger: Pick<Ledger, 'listFences'>, named: string): Promise<FencedInstance> {
  const standing = (await ledger.listFences()).filter(({ state }) => state !== 'lifted' && state !== 'gone')
  const meant = standing.filter((one) => [one.instance, one.database, fenceScope(one)].includes(named))
  const [fence, another] = meant
  if (fence !== undefined && another === undefined) return fence
  const known = standing.map(({ instance, database }) => `${instance} (${database})`).join(', ')
  const message =
    fence === undefined
      ? `No instance "${named}" is fenced; ${known === '' ? '"capstan fence list" shows those that were' : `there are: ${known}`}.`
      : `"${named}" is the name of several that are fenced: ${meant.map(fenceScope).join(', ')}. Give one of these.`
  throw failure('OPTION_INVALID', message, { instance: named })
}
