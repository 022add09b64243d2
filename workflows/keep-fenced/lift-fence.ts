/** Lifts the fence of an instance, or starts it for the control plane alone, because a person says so. */
import { proxyActivities } from '@temporalio/workflow'
import type { InstanceFenceActivities, KeepFencedActivities } from '../../activities/instance-fence/contract'
import type { LiftFenceInput } from '../../contracts/instance-fence'
import { TASK_QUEUES } from '../../contracts/messages'
import { quickAct } from '../kit/proxies'

export async function liftFence({ fence, toUs, writer, by, reason, heartbeatTimeoutMs }: LiftFenceInput): Promise<string> {
  const { cloud, operation, bundle, instance, instanceId } = fence
  const ref = { operation, step: 'lift-fence', bundle, target: { instance, instanceId } }
  const act = proxyActivities<InstanceFenceActivities>(quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs))
  if (toUs) {
    const { host, port } = await act.letUsIn({ ...ref, by, reason })
    return `${instance} runs for the control plane alone, at ${host}:${port}; its network stays closed, and is kept so.`
  }
  const { summary } = await act.liftFence({ ...ref, by, reason, writer })
  const { endKeeping } = proxyActivities<KeepFencedActivities>(quickAct(TASK_QUEUES.control, heartbeatTimeoutMs))
  await endKeeping(ref)
  return summary
}
