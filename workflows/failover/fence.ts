/** Keeps everybody off the source: by PostgreSQL itself where it lets us in, else by its cloud. */
import { type ApplicationFailure, patched } from '@temporalio/workflow'
import { type FailoverFence, FAILOVER_STEPS as STEPS } from '../../contracts/failover'
import { fenceByCloud } from '../keep-fenced/fence-by-cloud'
import type { FailingOver, Planned } from './over'
import { knockFromAll } from './places'
import { isAnsweredFor, refused } from './still'
import { fenceDetail, type Tried, triedInVain } from './unproven'

/** Between two looks of the watch that keeps it fenced until it is gone, or a person lifts it. */
const KEEP_EVERY_MS = 60_000

/** Fails with FENCE_NOT_PROVEN where the source answers somebody. Of one that is silent and not proven fenced somebody has taken that upon himself, or is to be asked. */
export async function fenceSource(over: FailingOver, planned: Planned): Promise<FailoverFence> {
  const { run, act, ref, input, locked } = over
  const { sides, epoch } = planned
  const step = STEPS.fence
  const inside = { ...ref(step), sides, epoch, lock: { scope: input.lockScope, epoch: locked.source } }
  return run.step(step, {
    do: async () => {
      const { fenced, isAsked } = await fence(over, planned)
      await act.asking.recordFenced({ ...ref(step), fenced })
      if (!isAnsweredFor(fenced) && !isAsked) throw notProven(fenced)
      return fenced
    },
    undo: async () => {
      const { cloudTold } = await act.undoing.openSource(inside)
      const fencing = { ...ref(step), target: sides.source }
      if (cloudTold)
        await act.undoingCloud.liftFence({ ...fencing, by: input.requestedBy, reason: 'its failover was taken back', undo: true })
      await act.endingKeep.endKeeping(fencing)
    },
    detail: fenceDetail,
  })
}

function notProven({ evidence }: FailoverFence): ApplicationFailure {
  return refused(
    'FENCE_NOT_PROVEN',
    `Nobody can prove that the source takes no writes: ${evidence.join('; ')}. The standby stays closed, since two writers are worse than none. Fence it by other means, or have somebody answer for it: --acknowledge-unfenced "why".`,
  )
}

async function fence(over: FailingOver, { sides, epoch, probed }: Planned): Promise<Tried> {
  const { act, ref, input, locked, left } = over
  const base = ref(STEPS.fence)
  if (probed.verdict === 'healthy') {
    const { evidence } = await act.asking.fenceInside({
      ...{ ...base, sides, epoch },
      lock: { scope: input.lockScope, epoch: locked.source },
    })
    const found = { version: 1, outcome: 'proven', by: 'database', evidence, drained: true } as const
    return { fenced: { ...found, staysShut: true, at: new Date().toISOString(), acknowledged: null }, isAsked: false }
  }
  // one that answers somebody may say by now what it had no time to say while this was planned
  const ill = probed.verdict === 'ill' && patched('mark-asked-again')
  const silent = ill ? (await act.asking.refuseMarked({ ...base, sides })).silent : null
  const { outcome, proof, untaken, summary, lifted } = await fenceByCloud({
    ...{ ref: base, cloud: input.cloud, target: sides.source, requestedBy: input.requestedBy },
    ...{ reason: `${input.operation} makes ${input.standby} the writer`, withinMs: input.fenceMsMax },
    ...{ keepEveryMs: KEEP_EVERY_MS, heartbeatTimeoutMs: input.heartbeatTimeoutMs },
    elsewhere: () => knockFromAll(over, sides, base),
    afterwards: (done) => void left.push(done),
  })
  const evidence = [...(silent === null ? [] : [silent]), ...(proof === null ? [summary] : [...proof.evidence, ...untaken])]
  const acknowledged = input.unfenced === null ? null : { by: input.requestedBy, reason: input.unfenced }
  const means = proof?.means ?? []
  const fenced: FailoverFence = {
    ...{ version: 1, outcome, by: means.length > 0 || proof?.gone ? 'cloud' : 'none', evidence, drained: false },
    ...{ staysShut: proof?.gone === true || means.includes('networks'), at: new Date().toISOString() },
    acknowledged: outcome === 'proven' ? null : acknowledged,
    ...(outcome !== 'proven' && proof?.runs && { runs: true }),
  }
  return triedInVain(over, { sides, fenced, isOver: lifted || proof?.lives }, STEPS.fence)
}
