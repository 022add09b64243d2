/** A cluster leaves its global database and goes on alone: a secondary one with a writer of its own, as of what it had heard by then. */
import { setTimeout as sleep } from 'node:timers/promises'
import { newFolderName } from '../../postgres/servers'
import { specOf } from '../cloud'
import { type ClusterWork, nextWriter, volumeSpec } from '../clusters'
import { note } from '../events'
import { globalOf, leadOf, membersOf, writerOf } from '../following'
import { beginBackups, finishHandOver, followAgain, followsStill, inTurn, leaves, replaysAgain, writes } from '../hand-over'
import { leadAll } from '../progress'
import { keepForReplicas } from '../replicas'
import type { ClusterStatus, ClusterTask, DbInstance } from '../state'

type LeaveGlobal = Extract<ClusterTask, { kind: 'leave-global' }>

const PAUSE_MS = 500

/** Safe to repeat. */
export async function leaveGlobal(work: ClusterWork, task: LeaveGlobal): Promise<ClusterStatus> {
  const { cloud, cluster, signal } = work
  await cloud.pace.lasts('modifyMs', `${cluster.region}/cluster:${cluster.id}`, signal)
  // a turn for each attempt: whoever is to write may have to be brought back in one
  while (!(await inTurn(cloud.state, cluster, () => goAlone(work, task)))) await sleep(PAUSE_MS, undefined, { signal })
  return 'available'
}

/** False: it is not known yet who is to write. */
async function goAlone(work: ClusterWork, task: LeaveGlobal): Promise<boolean> {
  const { cloud, cluster, signal } = work
  const { state } = cloud
  await finishHandOver(cloud, cluster, signal)
  if (globalOf(state, cluster)) {
    try {
      await leave(work, task)
    } catch (error) {
      return stumbled(work, task, error)
    }
  }
  await cloud.endpoints.settle()
  for (const member of membersOf(state, cluster)) {
    if (member.resourceId !== cluster.writer) await followAgain(cloud, member, signal)
  }
  return true
}

/** Who was told to write may have heard it, and taken commits since: that is asked of its data, never concluded from the error. What began to
 *  write is brought to its end. @throws Error when all of them are known to follow. */
async function stumbled(work: ClusterWork, { head: told }: LeaveGlobal, error: unknown): Promise<false> {
  const { cloud, cluster, signal } = work
  signal.throwIfAborted()
  const head = membersOf(cloud.state, cluster).find(({ resourceId }) => resourceId === told)
  if (!head || (await followsStill(cloud, head))) return stays(work, error)
  signal.throwIfAborted()
  cloud.log(`${cluster.id} does not go on alone yet: ${error}`)
  return false
}

/** Whatever its readers were told, they follow as before, or are made anew. */
async function stays({ cloud, cluster, signal }: ClusterWork, error: unknown): Promise<never> {
  signal.throwIfAborted()
  for (const member of membersOf(cloud.state, cluster)) await followAgain(cloud, member, signal)
  throw error
}

async function leave(work: ClusterWork, task: LeaveGlobal): Promise<void> {
  const { cloud, cluster } = work
  const { state } = cloud
  const lead = leadOf(state, cluster)
  const left = writerOf(state, lead)
  const writer = lead === cluster ? undefined : await becomeAlone(work, task, left)
  const global = globalOf(state, cluster)
  // in one breath: it is a secondary cluster or has a writer, or data, of its own
  if (global) leaves(global, cluster)
  if (lead !== cluster) {
    if (writer) cluster.writer = writer.resourceId
    beginBackups(cloud, cluster)
    note(state, 'db-cluster', cluster, 'clusterPromoted')
  }
  await cloud.save()
  // it keeps no log any more for those that left
  if (left && lead !== cluster) await keepForReplicas(cloud, left)
}

/** @returns who writes in it then; nobody in a cluster without members, which is given a copy of the data. */
async function becomeAlone(work: ClusterWork, task: LeaveGlobal, left: DbInstance | undefined): Promise<DbInstance | undefined> {
  const { cloud, cluster, signal } = work
  const { state, servers } = cloud
  const members = membersOf(state, cluster)
  if (members.length === 0) {
    await copyData(work, left)
    return undefined
  }
  const told = members.find(({ resourceId, status }) => resourceId === task.head && status !== 'failed' && status !== 'deleting')
  const head = told ?? nextWriter(cloud, cluster)
  if (!head) throw new Error(`${cluster.id} has no member that could write.`)
  // written down first: nobody else of them may be promoted by the next lab
  task.head = head.resourceId
  await cloud.save()
  const others = members.filter((member) => member !== head)
  // what they lack of the log is held where they will look for it
  await servers.keepReplicas(
    specOf(cloud, head),
    others.map(({ folder }) => folder),
  )
  // one that writes already, an attempt ago, waits for nobody
  if ((await writes(cloud, head)) !== true) await leadAll(cloud, cluster, head, signal)
  await replaysAgain(cloud, head)
  await servers.promote(specOf(cloud, head))
  return head
}

async function copyData({ cloud, cluster, signal }: ClusterWork, from: DbInstance | undefined): Promise<void> {
  if (!from) throw new Error(`${cluster.id} has no members, and nobody writes of whose data it could have a copy.`)
  const before = cluster.volume
  cluster.volume = newFolderName()
  await cloud.save()
  await cloud.servers.remove(before ?? '')
  const spec = volumeSpec(cloud, cluster, cluster.volume)
  await cloud.servers.createReplica(spec, specOf(cloud, from), signal)
  await cloud.servers.promote({ ...spec, replicaOf: specOf(cloud, from) })
  await cloud.servers.halt(spec.folder)
}
