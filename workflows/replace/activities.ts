/** The replacement's activities, each group with its queue and time-outs. */
import { proxyActivities } from '@temporalio/workflow'
import type { BackupProofActivities } from '../../activities/backup/contract'
import type { CheckActivities } from '../../activities/checks/contract'
import type { FenceActivities } from '../../activities/fence/contract'
import type { InstanceActivities } from '../../activities/instance/contract'
import type { ReplacementActivities, ReplacementDataActivities } from '../../activities/replacement/contract'
import type { SchemaActivities } from '../../activities/schema/contract'
import type { TrafficActivities } from '../../activities/traffic/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { ReplaceInput } from '../../contracts/replace'
import {
  askFirst,
  canaryAct,
  claimedOrAsked,
  claimedSoon,
  forwardAct,
  longAct,
  quickAct,
  undoAct,
  undoWait,
} from '../kit/proxies'

type Given = Pick<ReplaceInput, 'cloud' | 'heartbeatTimeoutMs' | 'endpointOn'>

export function replaceActivities({ cloud, heartbeatTimeoutMs, endpointOn = TASK_QUEUES.postgres }: Given) {
  const ofCloud = quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs)
  const ofData = longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)
  const ofEndpoint = longAct(endpointOn, heartbeatTimeoutMs)
  return {
    asking: proxyActivities<ReplacementActivities>(askFirst(ofCloud)),
    askingData: proxyActivities<ReplacementDataActivities>(askFirst(ofData)),
    askingFence: proxyActivities<FenceActivities>(askFirst(ofData)),
    askingTraffic: proxyActivities<TrafficActivities>(claimedSoon(askFirst(ofEndpoint))),
    dormancy: proxyActivities<SchemaActivities>(askFirst(ofData)),
    /** Without an attempt limit: a cloud without room is asked again until it has some. */
    instance: proxyActivities<InstanceActivities>(ofCloud),
    /** On the copy, as long as all of it can be taken back. */
    schema: proxyActivities<SchemaActivities>(canaryAct(ofData)),
    checks: proxyActivities<CheckActivities>(canaryAct(ofData)),
    proof: proxyActivities<BackupProofActivities>(canaryAct(ofData)),
    data: proxyActivities<ReplacementDataActivities>(canaryAct(ofData)),
    setUp: proxyActivities<ReplacementActivities>(canaryAct(ofCloud)),
    /** While it stands nobody is served: whoever cannot raise it, or go on behind it, soon gives it up. */
    fence: proxyActivities<FenceActivities>(askFirst(ofData)),
    lowering: proxyActivities<FenceActivities>(undoAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)),
    undoing: proxyActivities<InstanceActivities>(undoAct(TASK_QUEUES[cloud], heartbeatTimeoutMs)),
    undoWaiting: proxyActivities<InstanceActivities>(undoWait(TASK_QUEUES[cloud], heartbeatTimeoutMs)),
    /** Past the point of no return nothing is given up. */
    forward: proxyActivities<ReplacementActivities>(ofCloud),
    forwardData: proxyActivities<ReplacementDataActivities>(ofData),
    /** Not without a limit: whom it reached is served by then, whom it did not reach is a person's matter. */
    traffic: proxyActivities<TrafficActivities>(claimedOrAsked(forwardAct(ofEndpoint))),
  }
}
