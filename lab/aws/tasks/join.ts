/** Members of an Aurora cluster come and go; the cluster's data stays with whoever writes, and with nobody when the last one is gone. */
import { setTimeout as sleep } from 'node:timers/promises'
import { atLeast } from '../../profile'
import { keyOf, specOf } from '../cloud'
import { heirIsReady, nextWriter, writerRuns } from '../clusters'
import { note } from '../events'
import { clusterOf, followersOf, leadOf, membersOf, writerOf } from '../following'
import { finishHandOver, followAgain, handOver, inTurn, joinAnew } from '../hand-over'
import type { DbCluster, InstanceStatus } from '../state'
import { beginAnew, lasts, type Performer, prepareStart, show, type Work } from './work'

const ATTEMPTS = 3
const PAUSE_MS = 500

/** Of one that was a member already: with a new server. */
export const join: Performer<'join'> = async (work) => {
  const { cloud, instance } = work
  const cluster = clusterOf(cloud.state, instance)
  if (!cluster) throw new Error(`The cluster of ${instance.id} is gone.`)
  const anew = instance.createdAt !== null
  if (anew) await show(work, 'rebooting')
  await atLeast(becomeMember(work, cluster), lasts(work, anew ? 'rebootMs' : 'createMs'))
  instance.createdAt ??= new Date().toISOString()
  instance.tasks.splice(1, 0, { kind: 'settle', snapshot: null })
  note(cloud.state, 'db-instance', instance, anew ? 'restarted' : 'created')
  await cloud.endpoints.settle()
  return anew ? 'rebooting' : 'creating'
}

async function becomeMember(work: Work, cluster: DbCluster): Promise<void> {
  const { cloud, instance, signal } = work
  for (let attempt = 1; ; attempt++) {
    await writerRuns({ cloud, cluster, signal }, instance)
    try {
      return await inTurn(cloud.state, cluster, () => takePlace(work, cluster))
    } catch (error) {
      // the writer may have crashed meanwhile
      if (signal.aborted || attempt === ATTEMPTS) throw error
      cloud.log(`${instance.id} is not a member of ${cluster.id} yet: ${error}`)
    }
    await sleep(PAUSE_MS, undefined, { signal })
  }
}

async function takePlace(work: Work, cluster: DbCluster): Promise<void> {
  const { cloud, instance, signal } = work
  await finishHandOver(cloud, cluster, signal)
  const lead = leadOf(cloud.state, cluster)
  const writer = writerOf(cloud.state, lead)
  if (lead === cluster && (!writer || writer === instance)) return takeVolume(work, cluster)
  if (!writer) throw new Error(`The primary cluster ${lead.id} has no writer.`)
  await beginAnew(work)
  await cloud.servers.createReplica(specOf(cloud, instance), specOf(cloud, writer), signal)
}

async function takeVolume(work: Work, cluster: DbCluster): Promise<void> {
  const { cloud, instance, signal } = work
  if (cluster.writer === null) {
    if (cluster.volume === null) throw new Error(`The cluster ${cluster.id} has no data.`)
    // what it had as a reader is of no use to anybody
    await cloud.servers.remove(instance.folder)
    // in one breath: nobody else may take it
    Object.assign(instance, { folder: cluster.volume })
    Object.assign(cluster, { volume: null, writer: instance.resourceId })
    prepareStart(work)
    await cloud.save()
  }
  await cloud.servers.ensureRunning(specOf(cloud, instance))
  // those of other clusters followed whoever had the data before
  for (const reader of followersOf(cloud.state, instance)) await followAgain(cloud, reader, signal)
}

/** A writer hands over before it goes; the last one leaves its data to the cluster. */
export async function removeMember(work: Work, cluster: DbCluster): Promise<InstanceStatus> {
  const { cloud, instance, signal } = work
  await lasts(work, 'deleteMs')
  if (cluster.writer === instance.resourceId) await heirIsReady({ cloud, cluster, signal })
  await inTurn(cloud.state, cluster, () => leave(work, cluster))
  await cloud.endpoints.settle()
  return 'deleting'
}

async function leave({ cloud, instance, signal }: Work, cluster: DbCluster): Promise<void> {
  await finishHandOver(cloud, cluster, signal)
  const heir = cluster.writer === instance.resourceId ? nextWriter(cloud, cluster) : undefined
  if (heir) await handOver(cloud, cluster, heir, signal)
  const last = cluster.writer === instance.resourceId
  if (last) await cloud.servers.halt(instance.folder)
  else await cloud.servers.remove(instance.folder, specOf(cloud, instance))
  // in one breath: the data is the member's or the cluster's
  if (last) Object.assign(cluster, { volume: instance.folder, writer: null })
  delete cloud.state.instances[keyOf(instance)]
  // readers that could not take over have nobody to follow any more: one of them takes the data, the others follow that
  if (last) for (const member of membersOf(cloud.state, cluster)) if (member.status !== 'failed') joinAnew(cloud, member)
  note(cloud.state, 'db-instance', instance, 'deleted')
  await cloud.save()
}
