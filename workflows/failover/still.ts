/** Whether a source that was fenced is so still, right before another one writes in its place. */
import { ApplicationFailure, isCancellation, patched, proxyActivities } from '@temporalio/workflow'
import type { InstanceFenceActivities } from '../../activities/instance-fence/contract'
import type { FailoverFence } from '../../contracts/failover'
import type { FailureCode } from '../../contracts/failures'
import type { FenceState } from '../../contracts/instance-fence'
import { TASK_QUEUES } from '../../contracts/messages'
import type { StepName } from '../../contracts/operation'
import { holdsStill, judgedFromAll } from '../keep-fenced/elsewhere'
import { failureRecord, isDefect } from '../kit/failures'
import { lookTwice, quickAct } from '../kit/proxies'
import type { FailingOver, Planned } from './over'
import { type Knocking, knockFromAll } from './places'

/** As an activity would fail: the undos run. */
export function refused(code: FailureCode, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, code)
}

/** In runs from before anybody was asked, whoever cannot prove a fence gives up. */
export const isAskedOfUnproven = (): boolean => patched('asks-of-an-unproven-fence')

/** It is proven, or somebody answers for it. */
export const isAnsweredFor = ({ outcome, acknowledged }: FailoverFence): boolean => outcome === 'proven' || acknowledged !== null

/** Whoever has fenced a source and is about to have another one write in its place. */
export interface Guarding extends Knocking, Pick<FailingOver, 'ref' | 'left'> {
  readonly act: Pick<FailingOver['act'], 'proving' | 'knocking' | 'knockingFrom'>
  readonly input: Pick<
    FailingOver['input'],
    'cloud' | 'clouds' | 'heartbeatTimeoutMs' | 'fenceMsMax' | 'unfenced' | 'requestedBy'
  >
}

/** Its cloud is asked anew, since a partition shows the same silence whether the source was started again or not. What it is asked in vain falls under whoever
 *  took it upon himself that nobody can prove the fence, as long as nobody answers there, or is to be asked to. Resolves to what the fence is by then. */
export async function assertFencedStill(
  over: Guarding,
  { sides }: Pick<Planned, 'sides'>,
  fenced: FailoverFence,
  step: StepName,
): Promise<FailoverFence> {
  const { act, ref, input } = over
  const { source } = sides
  const at = new Date().toISOString()
  const target = { instance: source.instance, instanceId: source.instanceId }
  const asking = proxyActivities<InstanceFenceActivities>({
    ...lookTwice(quickAct(TASK_QUEUES[input.cloud], input.heartbeatTimeoutMs)),
    scheduleToCloseTimeout: input.fenceMsMax,
  })
  const said = await unlessSilent(asking.fenceState({ ...ref(step), target }))
  if ('unasked' in said && input.unfenced === null && !isAskedOfUnproven())
    throw refused('FENCE_NOT_PROVEN', `Its cloud does not say whether the source is fenced still: ${said.unasked}`)
  const own = act.proving.judgeFence({
    ...{ ...ref(step), target, address: source },
    said: 'unasked' in said ? { state: 'stopped', cloudState: 'stopped', lettingIn: [], at } : said,
    ordered: { means: [], untaken: [], at },
  })
  const isSaid = 'unasked' in said || said.state === 'stopped'
  const elsewhere = isSaid ? () => knockFromAll(over, sides, ref(step)) : undefined
  const proof = await judgedFromAll(own, elsewhere, (done) => void over.left.push(done))
  if (!holdsStill(proof))
    throw refused('FENCE_NOT_PROVEN', `The source came back while the standby applied what it had: ${proof.evidence.join(' ')}`)
  if (!('unasked' in said)) return fenced
  const since = `its cloud did not say right before the opening whether that holds: ${said.unasked}`
  const unproven = { ...fenced, outcome: 'unreachable-cloud', evidence: [...fenced.evidence, since] } as const
  if (input.unfenced !== null) return { ...unproven, acknowledged: { by: input.requestedBy, reason: input.unfenced } }
  // but for the cloud’s word, in whose place we judged
  return { ...unproven, evidence: [...unproven.evidence, ...proof.evidence.slice(1)] }
}

export async function unlessSilent(asked: Promise<FenceState>): Promise<FenceState | { readonly unasked: string }> {
  try {
    return await asked
  } catch (error) {
    if (isDefect(error) || isCancellation(error)) throw error
    return { unasked: failureRecord(error).message }
  }
}
