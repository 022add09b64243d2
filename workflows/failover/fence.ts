/** Keeps everybody off the source: by PostgreSQL itself where it lets us in, else by its cloud. */
import { ApplicationFailure, isCancellation, patched, proxyActivities } from '@temporalio/workflow'
import type { InstanceFenceActivities } from '../../activities/instance-fence/contract'
import { type FailoverFence, FAILOVER_STEPS as STEPS } from '../../contracts/failover'
import type { FailureCode } from '../../contracts/failures'
import type { FenceState } from '../../contracts/instance-fence'
import { TASK_QUEUES } from '../../contracts/messages'
import type { StepName } from '../../contracts/operation'
import { holdsStill, judgedFromAll } from '../keep-fenced/elsewhere'
import { fenceByCloud } from '../keep-fenced/fence-by-cloud'
import { failureRecord, isDefect } from '../kit/failures'
import { lookTwice, quickAct } from '../kit/proxies'
import type { FailingOver, Planned } from './over'
import { type Knocking, knockFromAll } from './places'

/** Between two looks of the watch that keeps it fenced until it is gone, or a person lifts it. */
const KEEP_EVERY_MS = 60_000

/** As an activity would fail: the undos run. */
export function refused(code: FailureCode, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, code)
}

/** Fails with FENCE_NOT_PROVEN, unless somebody has taken that upon himself. */
export async function fenceSource(over: FailingOver, planned: Planned): Promise<FailoverFence> {
  const { run, act, ref, input, locked } = over
  const { sides, epoch } = planned
  const step = STEPS.fence
  const inside = { ...ref(step), sides, epoch, lock: { scope: input.lockScope, epoch: locked.source } }
  return run.step(step, {
    do: async () => {
      const fenced = await fence(over, planned)
      await act.asking.recordFenced({ ...ref(step), fenced })
      if (fenced.outcome !== 'proven' && fenced.acknowledged === null) throw notProven(fenced)
      return fenced
    },
    undo: async () => {
      const { cloudTold } = await act.undoing.openSource(inside)
      const fencing = { ...ref(step), target: sides.source }
      if (cloudTold)
        await act.undoingCloud.liftFence({ ...fencing, by: input.requestedBy, reason: 'its failover was taken back', undo: true })
      await act.endingKeep.endKeeping(fencing)
    },
    detail: ({ outcome, by, evidence, acknowledged }) => ({
      summary: `${outcome}: ${evidence.join('; ')}`,
      fence: outcome,
      fencedBy: by,
      ...(acknowledged !== null && { acknowledgedBy: acknowledged.by, acknowledgedWhy: acknowledged.reason }),
    }),
  })
}

function notProven({ evidence }: FailoverFence): ApplicationFailure {
  return refused(
    'FENCE_NOT_PROVEN',
    `Nobody can prove that the source takes no writes: ${evidence.join('; ')}. The standby stays closed, since two writers are worse than none. Fence it by other means, or have somebody answer for it: --acknowledge-unfenced "why".`,
  )
}

async function fence(over: FailingOver, { sides, epoch, probed }: Planned): Promise<FailoverFence> {
  const { act, ref, input, locked, left } = over
  const base = ref(STEPS.fence)
  if (probed.verdict === 'healthy') {
    const { evidence } = await act.asking.fenceInside({
      ...{ ...base, sides, epoch },
      lock: { scope: input.lockScope, epoch: locked.source },
    })
    const found = { version: 1, outcome: 'proven', by: 'database', evidence, drained: true } as const
    return { ...found, staysShut: true, at: new Date().toISOString(), acknowledged: null }
  }
  // one that answers somebody may say by now what it had no time to say while this was planned
  const ill = probed.verdict === 'ill' && patched('mark-asked-again')
  const silent = ill ? (await act.asking.refuseMarked({ ...base, sides })).silent : null
  const { outcome, proof, untaken, summary } = await fenceByCloud({
    ...{ ref: base, cloud: input.cloud, target: sides.source, requestedBy: input.requestedBy },
    ...{ reason: `${input.operation} makes ${input.standby} the writer`, withinMs: input.fenceMsMax },
    ...{ keepEveryMs: KEEP_EVERY_MS, heartbeatTimeoutMs: input.heartbeatTimeoutMs },
    elsewhere: () => knockFromAll(over, sides, base),
    afterwards: (done) => void left.push(done),
  })
  const evidence = [...(silent === null ? [] : [silent]), ...(proof === null ? [summary] : [...proof.evidence, ...untaken])]
  const acknowledged = input.unfenced === null ? null : { by: input.requestedBy, reason: input.unfenced }
  const means = proof?.means ?? []
  return {
    ...{ version: 1, outcome, by: means.length > 0 || proof?.gone ? 'cloud' : 'none', evidence, drained: false },
    ...{ staysShut: proof?.gone === true || means.includes('networks'), at: new Date().toISOString() },
    acknowledged: outcome === 'proven' ? null : acknowledged,
  }
}

/** Whoever has fenced a source and is about to have another one write in its place. */
export interface Guarding extends Knocking, Pick<FailingOver, 'ref' | 'left'> {
  readonly act: Pick<FailingOver['act'], 'proving' | 'knocking' | 'knockingFrom'>
  readonly input: Pick<
    FailingOver['input'],
    'cloud' | 'clouds' | 'heartbeatTimeoutMs' | 'fenceMsMax' | 'unfenced' | 'requestedBy'
  >
}

/** Its cloud is asked anew, since a partition shows the same silence whether the source was started again or not. What it is asked in vain falls under whoever
 *  took it upon himself that nobody can prove the fence, as long as nobody answers there. Resolves to what the fence is by then. */
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
  if ('unasked' in said && input.unfenced === null)
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
  if (!('unasked' in said) || input.unfenced === null) return fenced
  const since = `its cloud did not say right before the opening whether that holds: ${said.unasked}`
  const acknowledged = { by: input.requestedBy, reason: input.unfenced }
  return { ...fenced, outcome: 'unreachable-cloud', evidence: [...fenced.evidence, since], acknowledged }
}

async function unlessSilent(asked: Promise<FenceState>): Promise<FenceState | { readonly unasked: string }> {
  try {
    return await asked
  } catch (error) {
    if (isDefect(error) || isCancellation(error)) throw error
    return { unasked: failureRecord(error).message }
  }
}
