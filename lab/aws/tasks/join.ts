/** Members of an Aurora cluster come and go; the cluster's data stays with whoever writes, and with nobody when the last one is gone. */
import { atLeast } from '../../profile'
import { keyOf, specOf } from '../cloud'
import { failOver, nextWriter, writerRuns } from '../clusters'
import { note } from '../events'
import { clusterOf, writerOf } from '../following'
import type { DbCluster, DbInstance, InstanceStatus } from '../state'
import { beginAnew, lasts, type Performer, takeGroupValues, type Work } from './work'

export const join: Performer<'join'> = async (work) => {
  const { cloud, instance } = work
  const cluster = clusterOf(cloud.state, instance)
  if (!cluster) throw new Error(`The cluster of ${instance.id} is gone.`)
  const writer = writerOf(cloud.state, cluster)
  await (writer === undefined || writer === instance ? takeVolume(work, cluster) : becomeReader(work, writer))
  instance.createdAt = new Date().toISOString()
  instance.tasks.splice(1, 0, { kind: 'settle', snapshot: null })
  note(cloud.state, 'db-instance', instance, 'created')
  await cloud.endpoints.sync()
  return 'creating'
}

async function takeVolume(work: Work, cluster: DbCluster): Promise<void> {
  const { cloud, instance } = work
  if (cluster.writer === null) {
    if (cluster.volume === null) throw new Error(`The cluster ${cluster.id} has no data.`)
    // in one breath: nobody else may take it
    Object.assign(instance, { folder: cluster.volume })
    Object.assign(cluster, { volume: null, writer: instance.resourceId })
    takeGroupValues(work)
    await cloud.save()
  }
  await atLeast(cloud.servers.ensureRunning(specOf(cloud, instance)), lasts(work, 'createMs'))
}

async function becomeReader(work: Work, writer: DbInstance): Promise<void> {
  const { cloud, instance, signal } = work
  await writerRuns(cloud, writer, signal)
  await beginAnew(work)
  await atLeast(cloud.servers.createReplica(specOf(cloud, instance), specOf(cloud, writer), signal), lasts(work, 'createMs'))
}

/** A writer hands over before it goes; the last one leaves its data to the cluster. */
export async function removeMember(work: Work, cluster: DbCluster): Promise<InstanceStatus> {
  const { cloud, instance, signal } = work
  await lasts(work, 'deleteMs')
  const next = cluster.writer === instance.resourceId ? nextWriter(cloud, cluster) : undefined
  if (next) await failOver(cloud, cluster, next, signal)
  const last = cluster.writer === instance.resourceId
  if (last) await cloud.servers.halt(instance.folder)
  else await cloud.servers.remove(instance.folder, specOf(cloud, instance))
  // in one breath: the data is the member's or the cluster's
  if (last) Object.assign(cluster, { volume: instance.folder, writer: null })
  delete cloud.state.instances[keyOf(instance)]
  note(cloud.state, 'db-instance', instance, 'deleted')
  await cloud.save()
  await cloud.endpoints.sync()
  return 'deleting'
}
