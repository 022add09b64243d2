/** The failover's activities, each group with its queue and time-outs. */
import { type ActivityOptions, proxyActivities } from '@temporalio/workflow'
import type { FailoverActivities, ProbeActivities, SourceCloudActivities } from '../../activities/failover/contract'
import type {
  FenceProofActivities,
  InstanceFenceActivities,
  KeepFencedActivities,
} from '../../activities/instance-fence/contract'
import type { StandbyPlaceActivities } from '../../activities/replication/contract'
import type { TrafficActivities } from '../../activities/traffic/contract'
import type { FailoverInput } from '../../contracts/failover'
import type { Cloud } from '../../contracts/fleet'
import { TASK_QUEUES } from '../../contracts/messages'
import { askFirst, claimedOrAsked, forwardAct, longAct, lookTwice, quickAct, undoAct, undoLong, undoWait } from '../kit/proxies'

/** A worker that is there takes its work up within a moment; one that is in a cloud that is down never does. */
const UNCLAIMED_MS = 10_000
/** A call to a cloud that hangs is no reason to wait longer than for one that says no. */
const LOOK_MS = 20_000
/** A single knock, with the time to be taken up. */
const KNOCK_MS = 5_000
/** Of an endpoint: a program of somebody's own is given that long, too. */
const ENDPOINT_MS = 60_000

export function failoverActivities(
  input: Pick<FailoverInput, 'cloud' | 'standbyCloud' | 'patienceMs' | 'heartbeatTimeoutMs' | 'endpointOn'>,
) {
  const { cloud, standbyCloud, patienceMs, heartbeatTimeoutMs } = input
  const { postgres } = TASK_QUEUES
  const { endpointOn = postgres } = input
  const ofEndpoint = longAct(endpointOn, heartbeatTimeoutMs)
  const long = longAct(postgres, heartbeatTimeoutMs)
  const bounded = (taskQueue: string, ms: number): ActivityOptions => ({
    ...lookTwice(quickAct(taskQueue, heartbeatTimeoutMs)),
    scheduleToStartTimeout: UNCLAIMED_MS,
    startToCloseTimeout: ms,
  })
  const probing = patienceMs + LOOK_MS
  const soon = (taskQueue: string): ActivityOptions => ({ ...bounded(taskQueue, LOOK_MS), scheduleToCloseTimeout: KNOCK_MS })
  return {
    lookingAtCloud: proxyActivities<SourceCloudActivities>(bounded(TASK_QUEUES[cloud], LOOK_MS)),
    /** Workers may die of what has killed the source: a probe that ends so is begun anew. */
    probingFrom: (from: Cloud) => proxyActivities<ProbeActivities>(askFirst(bounded(TASK_QUEUES[from], probing))),
    probing: proxyActivities<FailoverActivities>(askFirst(bounded(postgres, probing))),
    /** While everybody waits for the opening: whoever is not there by then says nothing. */
    knockingFrom: (from: Cloud) => proxyActivities<ProbeActivities>(soon(TASK_QUEUES[from])),
    knocking: proxyActivities<FailoverActivities>(soon(postgres)),
    askingStandby: proxyActivities<StandbyPlaceActivities>(askFirst(quickAct(TASK_QUEUES[standbyCloud], heartbeatTimeoutMs))),
    asking: proxyActivities<FailoverActivities>(askFirst(long)),
    /** It may be gone with its source: then the plan goes on without its word. */
    askingTraffic: proxyActivities<TrafficActivities>(bounded(endpointOn, ENDPOINT_MS)),
    proving: proxyActivities<FenceProofActivities>(lookTwice(quickAct(postgres, heartbeatTimeoutMs))),
    undoing: proxyActivities<FailoverActivities>(undoLong(postgres, heartbeatTimeoutMs)),
    undoingCloud: proxyActivities<InstanceFenceActivities>(claimedOrAsked(undoWait(TASK_QUEUES[cloud], heartbeatTimeoutMs))),
    endingKeep: proxyActivities<KeepFencedActivities>(undoAct(TASK_QUEUES.control, heartbeatTimeoutMs)),
    /** Past the point of no return a person is asked after some attempts: nobody writes meanwhile. */
    forward: proxyActivities<FailoverActivities>(forwardAct(long)),
    traffic: proxyActivities<TrafficActivities>(claimedOrAsked(forwardAct(ofEndpoint))),
  }
}
