/** Keeps everybody off the source: by PostgreSQL itself where it lets us in, else by its cloud. */
import { ApplicationFailure } from '@temporalio/workflow'
import { type FailoverFence, FAILOVER_STEPS as STEPS } from '../../contracts/failover'
import type { FailureCode } from '../../contracts/failures'
import type { StepName } from '../../contracts/operation'
import { fenceByCloud } from '../keep-fenced/fence-by-cloud'
import type { FailingOver, Planned } from './over'

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
      if (!cloudTold) return
      const fencing = { ...ref(step), target: sides.source }
      await act.undoingCloud.liftFence({ ...fencing, by: input.requestedBy, reason: 'its failover was taken back' })
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
  const { act, ref, input, locked } = over
  const base = ref(STEPS.fence)
  if (probed.verdict === 'healthy') {
    const { evidence } = await act.asking.fenceInside({
      ...{ ...base, sides, epoch },
      lock: { scope: input.lockScope, epoch: locked.source },
    })
    const found = { version: 1, outcome: 'proven', by: 'database', evidence, drained: true } as const
    return { ...found, staysShut: true, at: new Date().toISOString(), acknowledged: null }
  }
  const { outcome, proof, untaken, summary } = await fenceByCloud({
    ...{ ref: base, cloud: input.cloud, target: sides.source, requestedBy: input.requestedBy },
    ...{ reason: `${input.operation} makes ${input.standby} the writer`, withinMs: input.fenceMsMax },
    ...{ keepEveryMs: KEEP_EVERY_MS, heartbeatTimeoutMs: input.heartbeatTimeoutMs },
  })
  const evidence = proof === null ? [summary] : [...proof.evidence, ...untaken]
  const acknowledged = input.unfenced === null ? null : { by: input.requestedBy, reason: input.unfenced }
  const means = proof?.means ?? []
  return {
    ...{ version: 1, outcome, by: means.length > 0 || proof?.gone ? 'cloud' : 'none', evidence, drained: false },
    ...{ staysShut: proof?.gone === true || means.includes('networks'), at: new Date().toISOString() },
    acknowledged: outcome === 'proven' ? null : acknowledged,
  }
}

/** Whether nobody listens there still; its cloud said before that it is stopped or gone. */
export async function assertFencedStill(
  { act, ref }: FailingOver,
  { sides: { source } }: Planned,
  step: StepName,
): Promise<void> {
  const at = new Date().toISOString()
  const { proven, evidence } = await act.proving.judgeFence({
    ...{ ...ref(step), target: source, address: source },
    said: { state: 'stopped', cloudState: 'stopped', lettingIn: [], at },
    ordered: { means: [], untaken: [], at },
  })
  if (!proven)
    throw refused('FENCE_NOT_PROVEN', `The source came back while the standby applied what it had: ${evidence.join(' ')}`)
}
