/** What SwitchoverGlobalCluster and FailoverGlobalCluster begin. */
import { type Call, promised } from '../cloud'
import { globalClusterView } from '../cluster-views'
import { AwsError } from '../errors'
import { leadOf, writerOf } from '../following'
import type { Answers } from '../generated/answers'
import type { GlobalTask } from '../global-clusters'
import { parseTarget, requireAvailable } from './global-state'

type Answer = Answers['SwitchoverGlobalCluster']

/** @throws AwsError as parseTarget, and for a primary cluster that could not hand over. */
export async function switchGlobal(call: Call): Promise<Answer> {
  const { global, target } = parseTarget(call)
  const { state } = call.cloud
  const lead = leadOf(state, target)
  requireAvailable(lead)
  if (writerOf(state, lead)?.status !== 'available') {
    throw new AwsError('InvalidDBClusterStateFault', `The primary cluster ${lead.id} has no writer that is available.`)
  }
  for (const cluster of [lead, target]) cluster.status = 'modifying'
  global.status = 'switching-over'
  return begin(call, global, { kind: 'switch-over', to: target.resourceId })
}

/** @throws AwsError as parseTarget. */
export async function failOverGlobal(call: Call): Promise<Answer> {
  const { global, target } = parseTarget(call)
  // what is under way in the primary one is not waited for
  const lead = leadOf(call.cloud.state, target)
  for (const cluster of [lead, target]) if (cluster.status === 'available') cluster.status = 'failing-over'
  global.status = 'failing-over'
  return begin(call, global, { kind: 'fail-over', to: target.resourceId })
}

async function begin(call: Call, global: ReturnType<typeof parseTarget>['global'], task: GlobalTask): Promise<Answer> {
  const { cloud } = call
  const { doom } = promised(call, { kind: 'modify' })
  global.tasks.push(doom ? { ...task, doom } : task)
  await cloud.save()
  cloud.globalTasks.wake(global)
  return { GlobalCluster: globalClusterView(cloud, global) }
}
