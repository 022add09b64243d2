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
import { settled } from '../kit/settled'
import { type Elsewhere, judgedFromAll } from './elsewhere'

/** On its own, as a workflow: by an id that follows from the instance, so that nobody fences it twice at a time. It takes no lock, since it is for an instance
 *  whose writer has to go whatever else is at work on it. */
export async function fenceInstance({ step, operation, bundle, ...asked }: FenceInstanceInput): Promise<CloudFenceOutcome> {
  return fenceByCloud({ ...asked, ref: { operation, step, bundle } })
}

export type FenceByCloud = Omit<FenceInstanceInput, 'operation' | 'step' | 'bundle'> & {
  readonly ref: Omit<Fencing, 'target'>
  /** Absent: it is asked from where databases are served alone, and silence there proves nothing. */
  readonly elsewhere?: Elsewhere
  /** Is given what is still to be waited for, which holds up nobody; absent: it is waited for here. */
  readonly afterwards?: (done: Promise<unknown>) => void
}

/** Soon at first, since a server that has nobody left stops within a moment; a cloud that takes minutes is asked no more often than every other second. */
const FIRST_LOOK_MS = 100
const LOOKS_APART_MS = 1_500
/** One that lives lets us in within that; of one that is silent there is no witness, or one that comes later. */
const WITNESS_MS = 300
/** What its cloud said last when it said nothing. */
const UNCLAIMED = 'CLOUD_UNREACHABLE'
const UNANSWERED = /^(CLOUD_UNREACHABLE|CLOUD_THROTTLED)$/

export async function fenceByCloud(asked: FenceByCloud): Promise<CloudFenceOutcome> {
  const { ref, cloud, target, requestedBy, reason, withinMs, keepEveryMs, heartbeatTimeoutMs } = asked
  const { elsewhere, afterwards } = asked
  const fencing: Fencing = { ...ref, target: { instance: target.instance, instanceId: target.instanceId } }
  const at = { ...fencing, address: { host: target.host, port: target.port } }
  const limited = (queue: string) => ({ ...quickAct(queue, heartbeatTimeoutMs), scheduleToCloseTimeout: withinMs })
  const ordering = proxyActivities<InstanceFenceActivities>(limited(TASK_QUEUES[cloud]))
  const asking = proxyActivities<InstanceFenceActivities>(lookTwice(limited(TASK_QUEUES[cloud])))
  const proving = proxyActivities<FenceProofActivities>(lookTwice(limited(TASK_QUEUES.postgres)))
  const keeping = proxyActivities<KeepFencedActivities>(quickAct(TASK_QUEUES.control, heartbeatTimeoutMs))
  const until = Date.now() + withinMs
  const witness = settled(passing(proving.holdWitness(at)))
  try {
    const opened = await passing(keeping.openFence({ ...fencing, requestedBy, reason }))
    await Promise.race([witness, sleep(WITNESS_MS)])
    if (opened !== undefined) return unproven(opened.failure, null, [])
    // also what was ordered by half is gone on with
    const [ordered, kept] = await Promise.all([
      settled(passing(ordering.startFence({ ...fencing, requestedBy, reason }), UNCLAIMED)),
      settled(keeping.keepFenced({ ...fencing, everyMs: keepEveryMs, heartbeatTimeoutMs })),
    ])
    if (kept.status === 'rejected') throw kept.reason
    if (ordered.status === 'rejected') throw ordered.reason
    const told = ordered.value
    if ('failure' in told) return unproven(told.failure, null, [])
    return await look({
      ordered: told,
      until,
      ask: () => asking.fenceState(fencing),
      judge: (said) => {
        const own = proving.judgeFence({ ...at, said, ordered: told })
        return said.state === 'stopped' ? judgedFromAll(own, elsewhere, afterwards) : own
      },
    })
  } finally {
    const released = witness.then(() => CancellationScope.nonCancellable(() => passing(proving.releaseWitness(fencing))))
    if (afterwards === undefined) await released
    else afterwards(released)
  }
}

interface Looking {
  readonly ordered: OrderedFence
  readonly until: number
  ask(): ReturnType<InstanceFenceActivities['fenceState']>
  judge(said: Awaited<ReturnType<InstanceFenceActivities['fenceState']>>): Promise<CloudFenceProof>
}

/** Whoever is not stopped or gone is not proven fenced by whatever its address says, which may take its time to say it: that is asked at the end, for people. */
async function look({ ordered: { untaken }, until, ask, judge }: Looking): Promise<CloudFenceOutcome> {
  let proof: CloudFenceProof | null = null
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(LOOKS_APART_MS, Math.round(pauseMs * 1.5))) {
    const said = await passing(ask(), UNCLAIMED)
    const last = Date.now() >= until
    const worth = 'failure' in said || last || said.state === 'stopped' || said.state === 'gone'
    const seen = 'failure' in said ? said : worth ? await passing(judge(said)) : null
    if (seen !== null && !('failure' in seen)) {
      proof = seen
      if (seen.proven) return { outcome: 'proven', proof, untaken, summary: seen.evidence.join(' ') }
    }
    if (last) {
      if (seen !== null && 'failure' in seen) return unproven(seen.failure, proof, untaken)
      return { outcome: 'not-proven', proof, untaken, summary: [...(proof?.evidence ?? []), ...untaken].join(' ') }
    }
    await sleep(pauseMs)
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
