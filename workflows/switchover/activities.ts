/** The switchover's activities, each group with its queue and time-outs. */
import { proxyActivities } from '@temporalio/workflow'
import type { FenceActivities } from '../../activities/fence/contract'
import type { InstanceActivities } from '../../activities/instance/contract'
import type { ReplicationActivities, StandbyPlaceActivities } from '../../activities/replication/contract'
import type { SwitchoverActivities } from '../../activities/switchover/contract'
import type { TrafficActivities } from '../../activities/traffic/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { SwitchoverInput } from '../../contracts/switchover'
import {
  askFirst,
  claimedOrAsked,
  claimedSoon,
  forwardAct,
  longAct,
  lookTwice,
  quickAct,
  standbyAct,
  undoLong,
} from '../kit/proxies'

export function switchoverActivities({
  cloud,
  standbyCloud,
  heartbeatTimeoutMs,
  endpointOn = TASK_QUEUES.postgres,
}: Pick<SwitchoverInput, 'cloud' | 'standbyCloud' | 'heartbeatTimeoutMs' | 'endpointOn'>) {
  const long = longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)
  const ofEndpoint = longAct(endpointOn, heartbeatTimeoutMs)
  return {
    /** Before anything was changed: who asks is told soon what is out of reach. */
    asking: proxyActivities<InstanceActivities>(askFirst(quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs))),
    askingStandby: proxyActivities<StandbyPlaceActivities>(askFirst(quickAct(TASK_QUEUES[standbyCloud], heartbeatTimeoutMs))),
    askingFence: proxyActivities<FenceActivities>(askFirst(long)),
    askingTraffic: proxyActivities<TrafficActivities>(claimedSoon(askFirst(ofEndpoint))),
    comparing: proxyActivities<ReplicationActivities>(askFirst(long)),
    /** While the fence stands nobody is served: whoever cannot get through behind it soon gives it up. */
    crossing: proxyActivities<SwitchoverActivities>(askFirst(long)),
    undoing: proxyActivities<SwitchoverActivities>(undoLong(TASK_QUEUES.postgres, heartbeatTimeoutMs)),
    undoingTraffic: proxyActivities<TrafficActivities>(undoLong(endpointOn, heartbeatTimeoutMs)),
    /** Past the point of no return nothing is given up, and a person hears soon of who does not answer. */
    forward: proxyActivities<SwitchoverActivities>(forwardAct(long)),
    traffic: proxyActivities<TrafficActivities>(claimedOrAsked(forwardAct(ofEndpoint))),
    /** Applications are served: what is out of reach is told, and nothing waits for it. */
    observing: proxyActivities<SwitchoverActivities>(standbyAct(long)),
    observingTraffic: proxyActivities<TrafficActivities>(lookTwice(claimedSoon(ofEndpoint))),
  }
}
