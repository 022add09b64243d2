/** What a task works with, and steps that many of them take. */
import { newFolderName } from '../../postgres/servers'
import type { Durations } from '../../profile'
import { takeArchive } from '../backups'
import { type AwsCloud, keyOf, specOf } from '../cloud'
import { clusterOf } from '../following'
import { placeServer } from '../iam'
import { clusterGroupOf, findGroup, groupValues } from '../parameters'
import type { DbInstance, InstanceStatus, Task } from '../state'

export interface Work {
  cloud: AwsCloud
  instance: DbInstance
  signal: AbortSignal
}

/** What carries out one kind of task; it resolves with the state that its end brings. */
export type Performer<Kind extends Task['kind']> = (work: Work, task: Extract<Task, { kind: Kind }>) => Promise<InstanceStatus>

export function lasts({ cloud, instance, signal }: Work, state: keyof Durations, who = keyOf(instance)): Promise<void> {
  return cloud.pace.lasts(state, who, signal)
}

/** Never hides that an instance is being deleted: that may be asked for while something else is under way. */
export async function show({ cloud, instance }: Work, status: InstanceStatus): Promise<void> {
  if (instance.status !== 'deleting') instance.status = status
  await cloud.save()
}

/** What its group says now, and its cluster's, becomes what the server runs with, and it will be where it is to be. The caller saves, and starts it. */
export function prepareStart({ cloud, instance }: Work): void {
  const { state } = cloud
  const group = findGroup(state, instance.region, instance.parameterGroup)
  const cluster = clusterOf(state, instance)
  const clusters = cluster && clusterGroupOf(state, cluster)
  placeServer(cloud, instance)
  instance.running = {
    group: group.name,
    parameters: groupValues(group),
    ...(clusters && { cluster: { group: clusters.name, parameters: groupValues(clusters) } }),
  }
}

/** A new folder for a new attempt, written down first, so that the sweep after a crash knows which one counts. */
export async function beginAnew(work: Work): Promise<void> {
  const { cloud, instance } = work
  const before = instance.folder
  instance.folder = newFolderName()
  takeArchive(cloud, instance)
  prepareStart(work)
  await cloud.save()
  await cloud.servers.remove(before, { replicaOf: specOf(cloud, instance).replicaOf })
  await cloud.sweepDoomed()
}
