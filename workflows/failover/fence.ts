/** Keeps everybody off the source: by PostgreSQL itself where it lets us in, else by its cloud. */
import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow'
import type { SourceClosing } from '../../activities/failover/contract'
import { type FailoverFence, FAILOVER_STEPS as STEPS } from '../../contracts/failover'
import type { FailureCode } from '../../contracts/failures'
import type { FailureRecord } from '../../contracts/operation'
import { failureRecord, isDefect } from '../kit/failures'
import { OUT_OF_REACH } from '../kit/proxies'
import type { FailingOver, Planned } from './over'

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
  const { instanceId } = sides.source
  return run.step(step, {
    do: async () => {
      const fenced = await fence(over, planned)
      await act.asking.recordFenced({ ...ref(step), fenced })
      if (fenced.outcome !== 'proven' && fenced.acknowledged === null) throw notProven(fenced)
      return fenced
    },
    undo: async () => {
      const { cloudTold } = await act.undoing.openSource(inside)
      if (cloudTold) await act.undoingCloud.reopenSource({ ...ref(step), instanceId })
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
  const closed = await closeByCloud(over, sides.source.instanceId)
  const closing = 'why' in closed ? null : closed
  const { proven, evidence } = await act.asking.judgeSource({ ...base, address: sides.source, closing })
  const acknowledged = input.unfenced === null ? null : { by: input.requestedBy, reason: input.unfenced }
  const told = 'why' in closed ? [closed.why, ...evidence] : evidence
  const outcome = proven ? 'proven' : 'why' in closed && closed.unreached ? 'unreachable-cloud' : 'not-proven'
  return {
    ...{ version: 1, outcome, by: closing === null ? 'none' : 'cloud', evidence: told, drained: false },
    ...{ staysShut: closing?.shut === true, at: new Date().toISOString() },
    acknowledged: proven ? null : acknowledged,
  }
}

/** Why not, where its cloud did not do it in time. */
async function closeByCloud(
  { act, ref }: FailingOver,
  instanceId: string,
): Promise<SourceClosing | { readonly why: string; readonly unreached: boolean }> {
  try {
    return await act.closing.closeSource({ ...ref(STEPS.fence), instanceId })
  } catch (error) {
    if (isDefect(error) || isCancellation(error)) throw error
    const { code, message } = saidLast(error)
    // of one that nobody took up, or that did not end in time, nothing is known
    const unreached = code === 'DEFECT' || OUT_OF_REACH.some((one) => one === code)
    return { why: `its cloud has not closed it: ${message}`, unreached }
  }
}

/** Of one whose time was over, what its last attempt failed with. */
function saidLast(error: unknown): FailureRecord {
  const over = error instanceof ActivityFailure ? error.cause : undefined
  const last = over instanceof TimeoutFailure ? over.cause : undefined
  return failureRecord(last instanceof ApplicationFailure ? last : error)
}
