/** What would hurt a database first, seen by workers: one of its cloud, which tells where it is, and one that serves databases. No operation: it
 *  changes nothing, takes no lock and leaves no record. */
import { proxyActivities } from '@temporalio/workflow'
import type { DatabaseHealthActivities, InstanceHealthActivities } from '../../activities/health/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { ScoutInput, WorkerScout } from '../../contracts/scout'
import { lookAct } from '../kit/proxies'
import { taken } from '../kit/taken'

export async function scout(input: ScoutInput): Promise<WorkerScout> {
  const { bundle, cloud, everyDatabase } = input
  const { surveyInstance } = proxyActivities<InstanceHealthActivities>(lookAct(TASK_QUEUES[cloud], input))
  const { examineDatabase } = proxyActivities<DatabaseHealthActivities>(lookAct(TASK_QUEUES.postgres, input))
  const instance = await taken(TASK_QUEUES[cloud], surveyInstance({ bundle }))
  const { host, port } = instance
  const health = await taken(TASK_QUEUES.postgres, examineDatabase({ bundle, host, port, everyDatabase }))
  return { instance, health }
}
