/** Fences an instance through its cloud and looks until that is proven, or the time is over. Whoever calls it has registered `liftFence` as the undo before. A
 *  fence that is not proven stays, and is kept: what is to come of it is the caller's, and a person's, to say. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  proxyActivities,
  sleep,
  TimeoutFailure,
} from '@temporalio/workflow'
import type {
  FenceProofActivities,
  Fencing,
  InstanceFenceActivities,
  KeepFencedActivities,
} from '../../activities/instance-fence/contract'
import type { CloudFenceOutcome, CloudFenceProof, FenceInstanceInput, OrderedFence } from '../../contracts/instance-fence'
import { TASK_QUEUES } from '../../contracts/messages'
import { failureRecord, isDefect } from '../kit/failures'
import { lookTwice, quickAct } from '../kit/proxies'

/** On its own, as a workflow: by an id that follows from the instance, so that nobody fences it twice at a time. It takes no lock, since it is for an instance
 *  whose writer has to go whatever else is at work on it. */
export async function fenceInstance({ step, operation, bundle, ...asked }: FenceInstanceInput): Promise<CloudFenceOutcome> {
  return fenceByCloud({ ...asked, ref: { operation, step, bundle } })
}

export type FenceByCloud = Omit<FenceInstanceInput, 'operation' | 'step' | 'bundle'> & { readonly ref: Omit<Fencing, 'target'> }

const LOOK_EVERY_MS = 500
/** What its cloud said last when it said nothing. */
const UNCLAIMED = 'CLOUD_UNREACHABLE'
const UNANSWERED = /^(CLOUD_UNREACHABLE|CLOUD_THROTTLED)$/

export async function fenceByCloud(asked: FenceByCloud): Promise<CloudFenceOutcome> {
  const { ref, cloud, target, requestedBy, reason, withinMs, keepEveryMs, heartbeatTimeoutMs } = asked
  const fencing: Fencing = { ...ref, target: { instance: target.instance, instanceId: target.instanceId } }
  const at = { ...fencing, address: { host: target.host, port: target.port } }
  const limited = (queue: string) => ({ ...quickAct(queue, heartbeatTimeoutMs), scheduleToCloseTimeout: withinMs })
  const ordering = proxyActivities<InstanceFenceActivities>(limited(TASK_QUEUES[cloud]))
  const asking = proxyActivities<InstanceFenceActivities>(lookTwice(limited(TASK_QUEUES[cloud])))
  const proving = proxyActivities<FenceProofActivities>(lookTwice(limited(TASK_QUEUES.postgres)))
  const keeping = proxyActivities<KeepFencedActivities>(quickAct(TASK_QUEUES.control, heartbeatTimeoutMs))
  const until = Date.now() + withinMs
  await passing(proving.holdWitness(at))
  try {
    const opened = await passing(keeping.openFence({ ...fencing, requestedBy, reason }))
    if (opened !== undefined) return unproven(opened.failure, null, [])
    const ordered = await passing(ordering.startFence({ ...fencing, requestedBy, reason }), UNCLAIMED)
    // also what was ordered by half is gone on with
    await keeping.keepFenced({ ...fencing, everyMs: keepEveryMs, heartbeatTimeoutMs })
    if ('failure' in ordered) return unproven(ordered.failure, null, [])
    return await look({
      ordered,
      until,
      ask: () => asking.fenceState(fencing),
      judge: (said) => proving.judgeFence({ ...at, said, ordered }),
    })
  } finally {
    await CancellationScope.nonCancellable(() => passing(proving.releaseWitness(fencing)))
  }
}

interface Looking {
  readonly ordered: OrderedFence
  readonly until: number
  ask(): ReturnType<InstanceFenceActivities['fenceState']>
  judge(said: Awaited<ReturnType<InstanceFenceActivities['fenceState']>>): Promise<CloudFenceProof>
}

async function look({ ordered: { untaken }, until, ask, judge }: Looking): Promise<CloudFenceOutcome> {
  let proof: CloudFenceProof | null = null
  for (;;) {
    const said = await passing(ask(), UNCLAIMED)
    const seen = 'failure' in said ? said : await passing(judge(said))
    if (!('failure' in seen)) {
      proof = seen
      if (seen.proven) return { outcome: 'proven', proof, untaken, summary: seen.evidence.join(' ') }
    }
    if (Date.now() >= until) {
      if ('failure' in seen) return unproven(seen.failure, proof, untaken)
      return { outcome: 'not-proven', proof, untaken, summary: [...(proof?.evidence ?? []), ...untaken].join(' ') }
    }
    await sleep(LOOK_EVERY_MS)
  }
}

function unproven(
  failure: { code: string; message: string },
  proof: CloudFenceProof | null,
  untaken: readonly string[],
): CloudFenceOutcome {
  const outcome = UNANSWERED.test(failure.code) ? 'unreachable-cloud' : 'not-proven'
  return { outcome, proof, untaken, summary: [failure.message, ...(proof?.evidence ?? []), ...untaken].join(' ') }
}

/** Whatever an activity failed with is an answer; not so a defect of ours, and the operation's own cancellation. */
async function passing<T>(act: Promise<T>, timedOutIs?: string): Promise<T | { failure: { code: string; message: string } }> {
  try {
    return await act
  } catch (error) {
    if (isDefect(error) || CancellationScope.current().consideredCancelled) throw error
    return { failure: saidLast(error, timedOutIs) }
  }
}

/** Of one whose time was over, what its last attempt failed with; of one that nobody took up, or that hung, that nothing was said. */
function saidLast(error: unknown, timedOutIs = 'DEFECT'): { code: string; message: string } {
  const timeout = error instanceof ActivityFailure ? error.cause : error
  const last = timeout instanceof TimeoutFailure ? timeout.cause : undefined
  if (last instanceof ApplicationFailure) return failureRecord(last)
  return timeout instanceof TimeoutFailure ? { ...failureRecord(error), code: timedOutIs } : failureRecord(error)
}
