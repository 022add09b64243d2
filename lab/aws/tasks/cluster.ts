/** Runs the tasks of Aurora clusters. What concerns one server is its instance's; here is what concerns the cluster's data or all of its
 *  members. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TIMER_MAX_MS } from '../../duration'
import { newFolderName, type ServerSpec } from '../../postgres/servers'
import type { Durations } from '../../profile'
import { createTaskRunner, type TaskRunner } from '../../tasks'
import { archiveUpToNow, clusterSnapshotKey, clusterSnapshotOf, doomArchive, dropSnapshot, takeArchive } from '../backups'
import { type AwsCloud, keyOf, specOf } from '../cloud'
import { type ClusterWork, volumeSpec, withData } from '../clusters'
import { note } from '../events'
import { leadOf, membersOf, peersOf } from '../following'
import { finishHandOver, followAgain, handOver, inTurn } from '../hand-over'
import { placeServer } from '../iam'
import { restartDue } from '../schedule'
import { type ClusterStatus, type ClusterTask, type DbCluster, key } from '../state'
import { leaveGlobal } from './leave-global'
import { haltMembers, leaveMembers, startMembers, writerFirst } from './stop-cluster'

const BACKUP_ATTEMPTS = 20
const BACKUP_PAUSE_MS = 500

type Performer<Kind extends ClusterTask['kind']> = (
  work: ClusterWork,
  task: Extract<ClusterTask, { kind: Kind }>,
) => Promise<ClusterStatus | undefined>

export function createClusterTasks(cloud: () => AwsCloud): TaskRunner<DbCluster> {
  return createTaskRunner<ClusterTask, DbCluster>({
    async perform(cluster, task, signal) {
      const work = { cloud: cloud(), cluster, signal }
      const perform = PERFORM[task.kind] as (work: ClusterWork, task: ClusterTask) => Promise<ClusterStatus | undefined>
      const status = await (task.doom ? failAsOrdered(work, task) : perform(work, task))
      return () => reaches(cluster, task, status)
    },
    async failed(cluster, task, error) {
      cloud().log(`${task.kind} of ${cluster.id} failed: ${error}`)
      return () => {
        forget(cloud(), cluster, task)
        reaches(cluster, task, FAILED[task.kind])
      }
    },
    nameOf: ({ id }) => id,
    save: () => cloud().save(),
    log: (line) => cloud().log(line),
  })
}

/** Undefined: it stays what it is at that moment, which others may just have changed. */
function reaches(cluster: DbCluster, task: ClusterTask, status: ClusterStatus | undefined): void {
  if (status === undefined) return
  if (cluster.status !== 'deleting' || task.kind === 'delete') cluster.status = status
}

const create: Performer<'create'> = async (work, { verifier }) => {
  const { cloud, cluster } = work
  const spec = await beginAnew(work)
  const master = { name: cluster.masterUsername, verifier, database: cluster.databaseName ?? 'postgres' }
  await Promise.all([cloud.servers.create(spec, master), lasts(work, 'createMs')])
  return made(work, spec)
}

const restore: Performer<'restore'> = async (work, { folder, from }) => {
  const { cloud, cluster, signal } = work
  const spec = await beginAnew(work)
  await Promise.all([cloud.servers.restore(spec, folder, signal), lasts(work, 'restoreMs')])
  note(cloud.state, 'db-cluster', cluster, 'clusterRestored', from)
  return made(work, spec)
}

const restoreToTime: Performer<'restore-to-time'> = async (work, { backup, archive, target, source }) => {
  const { cloud, cluster, signal } = work
  const origin = Object.values(cloud.state.clusters).find((one) => one.archive === archive)
  // one that is stopped was archived to its end
  // one that does not lead writes nothing
  if (origin && origin.status !== 'stopped' && leadOf(cloud.state, origin) === origin)
    await withData({ cloud, cluster: origin, signal }, (spec) => archiveUpToNow(cloud, { keeper: origin, spec }, signal))
  const spec = await beginAnew(work)
  await Promise.all([cloud.servers.restoreToTime(spec, { backup, archive, target, signal }), lasts(work, 'restoreMs')])
  note(cloud.state, 'db-cluster', cluster, 'clusterRestored', source)
  return made(work, spec)
}

/** A new folder and a new archive for a new attempt, written down first. */
async function beginAnew({ cloud, cluster }: ClusterWork): Promise<ServerSpec> {
  const before = cluster.volume
  cluster.volume = newFolderName()
  takeArchive(cloud, cluster)
  await cloud.save()
  await cloud.servers.remove(before ?? '')
  await cloud.sweepDoomed()
  return volumeSpec(cloud, cluster, cluster.volume)
}

/** With its first backup; then it waits for a member. */
async function made(work: ClusterWork, spec: ServerSpec): Promise<ClusterStatus> {
  const { cloud, cluster } = work
  await takeFirstBackup(work, spec)
  await cloud.servers.halt(spec.folder)
  cluster.createdAt = new Date().toISOString()
  note(cloud.state, 'db-cluster', cluster, 'clusterCreated')
  return 'available'
}

async function takeFirstBackup({ cloud, cluster, signal }: ClusterWork, spec: ServerSpec): Promise<void> {
  const id = `rds:${cluster.id}-${new Date().toISOString().slice(0, 16).replace(/[T:]/g, '-')}`
  const snapshot = { ...clusterSnapshotOf(cluster, id), type: 'automated' as const, archive: cluster.archive }
  cloud.state.snapshots[clusterSnapshotKey(cluster.region, id)] = snapshot
  await cloud.save()
  const { startedAt, endedAt } = await cloud.servers.snapshot(spec, snapshot.folder, signal).catch((error) => {
    // another attempt has a record of its own
    dropSnapshot(cloud.state, snapshot)
    throw error
  })
  Object.assign(snapshot, { status: 'available', createdAt: startedAt, originalCreatedAt: startedAt, endedAt })
  await archiveUpToNow(cloud, { keeper: cluster, spec }, signal)
}

/** The data of a secondary cluster is its members': there is nothing to be made. */
const joinGlobal: Performer<'join-global'> = async (work) => {
  const { cloud, cluster } = work
  await lasts(work, 'createMs')
  takeArchive(cloud, cluster)
  cluster.createdAt = new Date().toISOString()
  note(cloud.state, 'db-cluster', cluster, 'clusterCreated')
  return 'available'
}

/** Of one that leads now, beside what is under way for it. */
const firstBackup: Performer<'first-backup'> = async (work) => {
  const { cloud, cluster, signal } = work
  for (let attempt = 1; leadOf(cloud.state, cluster) === cluster && cluster.archive !== null; attempt++) {
    try {
      await withData(work, async (spec) => {
        // its log goes to where its backups begin
        await cloud.servers.configure(spec)
        await takeFirstBackup(work, spec)
      })
      break
    } catch (error) {
      if (signal.aborted || attempt === BACKUP_ATTEMPTS) throw error
      cloud.log(`the first backup of ${cluster.id} is not there yet: ${error}`)
    }
    await sleep(BACKUP_PAUSE_MS, undefined, { signal })
  }
  await cloud.sweepDoomed()
  return undefined
}

const modify: Performer<'modify'> = async (work) => {
  const { cloud, cluster } = work
  await lasts(work, 'lagMs')
  const { masterVerifier, iamAuthentication, id } = cluster.pending
  if (masterVerifier !== undefined) {
    await show(work, 'resetting-master-credentials')
    await lasts(work, 'passwordMs')
    await withData(work, (spec) => cloud.servers.setPassword(spec, cluster.masterUsername, masterVerifier))
    note(cloud.state, 'db-cluster', cluster, 'passwordReset')
    // a newer one that was asked for meanwhile has a task of its own
    if (cluster.pending.masterVerifier === masterVerifier) delete cluster.pending.masterVerifier
  }
  if (iamAuthentication !== undefined) {
    await changeIam(work, iamAuthentication)
    if (cluster.pending.iamAuthentication === iamAuthentication) delete cluster.pending.iamAuthentication
  }
  if (id !== undefined) {
    rename(work, id)
    // its old addresses are free from now on
    await cloud.endpoints.settle()
  }
  await cloud.save()
  for (const member of membersOf(cloud.state, cluster)) await cloud.servers.configure(specOf(cloud, member))
  return 'available'
}

/** Each member's server moves, and restarts for that: the writer first, so that readers learn where it is. One that does not run, or is just being
 *  made, will be there when it starts. */
async function changeIam({ cloud, cluster, signal }: ClusterWork, enabled: boolean): Promise<void> {
  const { servers, afflictions } = cloud
  await inTurn(cloud.state, cluster, async () => {
    await finishHandOver(cloud, cluster, signal)
    cluster.iamAuthentication = enabled
    await cloud.save()
    const members = writerFirst({ cloud, cluster })
    for (const member of members) {
      const down = servers.isDown(member.folder)
      if (!down) await afflictions.thawed(keyOf(member), signal)
      placeServer(cloud, member)
      await cloud.save()
      if (down) continue
      await servers.restart(specOf(cloud, member))
      await followAgain(cloud, member, signal)
    }
    const others = peersOf(cloud.state, cluster).filter((peer) => !members.includes(peer))
    for (const peer of others) await followAgain(cloud, peer, signal)
  })
}

/** Its endpoints go by its name: with the name their addresses change. */
function rename({ cloud, cluster }: ClusterWork, id: string): void {
  const { clusters } = cloud.state
  const to = key(cluster.region, id)
  delete cluster.pending.id
  const [writerHost, readerHost] = clusters[to] ? [] : [cloud.addresses.take(), cloud.addresses.take()]
  if (writerHost === undefined || readerHost === undefined) return
  delete clusters[key(cluster.region, cluster.id)]
  clusters[to] = Object.assign(cluster, { id, writerHost, readerHost })
}

const takeOver: Performer<'fail-over'> = async (work, { to }) => {
  const { cloud, cluster, signal } = work
  const target = membersOf(cloud.state, cluster).find(({ resourceId }) => resourceId === to)
  if (!target) throw new Error('Who was to take over is gone.')
  if (cluster.writer !== to) note(cloud.state, 'db-cluster', cluster, 'clusterFailingOver', target.id)
  await lasts(work, 'rebootMs')
  await inTurn(cloud.state, cluster, async () => {
    await finishHandOver(cloud, cluster, signal)
    // another cluster of its global database may have taken the lead meanwhile
    if (leadOf(cloud.state, cluster) !== cluster) throw new Error(`Nobody writes in ${cluster.id} any more.`)
    if (cluster.writer !== to) await handOver(cloud, cluster, target, signal)
  })
  note(cloud.state, 'db-cluster', cluster, 'clusterFailedOver', target.id)
  return 'available'
}

const backUp: Performer<'back-up'> = async (work, { snapshot: name }) => {
  await takeSnapshot(work, name)
  return 'available'
}

async function takeSnapshot(work: ClusterWork, name: string): Promise<void> {
  const { cloud, signal } = work
  const snapshot = cloud.state.snapshots[name]
  if (snapshot?.status !== 'creating') return
  const [{ startedAt, endedAt }] = await Promise.all([
    withData(work, (spec) => cloud.servers.snapshot(spec, snapshot.folder, signal)),
    cloud.pace.lasts('snapshotMs', name, signal),
  ])
  Object.assign(snapshot, { status: 'available', createdAt: startedAt, originalCreatedAt: startedAt, endedAt })
  note(cloud.state, 'db-cluster-snapshot', snapshot, 'clusterSnapshotCreated')
  await cloud.save()
}

const stop: Performer<'stop'> = async (work) => {
  await lasts(work, 'rebootMs')
  await haltMembers(work)
  await work.cloud.endpoints.settle()
  work.cluster.restartsAt = restartDue()
  return 'stopped'
}

const start: Performer<'start'> = async (work) => {
  delete work.cluster.restartsAt
  await lasts(work, 'rebootMs')
  await startMembers(work)
  await work.cloud.endpoints.settle()
  return 'available'
}

const remove: Performer<'delete'> = async (work, { finalSnapshot }) => {
  const { cloud, cluster } = work
  if (finalSnapshot !== null) await takeSnapshot(work, finalSnapshot)
  await lasts(work, 'deleteMs')
  await cloud.servers.remove(cluster.volume ?? '')
  delete cloud.state.clusters[key(cluster.region, cluster.id)]
  if (cluster.archive !== null) doomArchive(cloud.state, cluster.archive)
  note(cloud.state, 'db-cluster', cluster, 'clusterDeleted')
  await cloud.save()
  await cloud.sweepDoomed()
  await cloud.endpoints.settle()
  return 'deleting'
}

const PERFORM: { [Kind in ClusterTask['kind']]: Performer<Kind> } = {
  create,
  restore,
  'restore-to-time': restoreToTime,
  'join-global': joinGlobal,
  'leave-global': leaveGlobal,
  'first-backup': firstBackup,
  modify,
  'fail-over': takeOver,
  'back-up': backUp,
  stop,
  start,
  delete: remove,
}

const FAILED = {
  create: 'failed',
  restore: 'failed',
  'restore-to-time': 'failed',
  'join-global': 'failed',
  'leave-global': 'available',
  'first-backup': 'available',
  modify: 'available',
  'fail-over': 'available',
  'back-up': 'available',
  stop: 'available',
  start: 'available',
  delete: 'failed',
} as const satisfies Record<ClusterTask['kind'], ClusterStatus>

const DURATION = {
  create: 'createMs',
  restore: 'restoreMs',
  'restore-to-time': 'restoreMs',
  'join-global': 'createMs',
  'leave-global': 'modifyMs',
  'first-backup': 'snapshotMs',
  modify: 'modifyMs',
  'fail-over': 'rebootMs',
  'back-up': 'snapshotMs',
  stop: 'rebootMs',
  start: 'rebootMs',
  delete: 'deleteMs',
} as const satisfies Record<ClusterTask['kind'], keyof Durations>

async function failAsOrdered(work: ClusterWork, { kind, doom }: ClusterTask): Promise<never> {
  await lasts(work, DURATION[kind])
  if (doom && doom.delayMs > 0) await sleep(Math.min(doom.delayMs, TIMER_MAX_MS), undefined, { signal: work.signal })
  throw new Error(`ordered by the fault ${doom?.fault}`)
}

/** What a task that failed was to do will not be done. */
function forget(cloud: AwsCloud, cluster: DbCluster, task: ClusterTask): void {
  const { state } = cloud
  if (task.kind === 'stop' || task.kind === 'start') leaveMembers({ cloud, cluster })
  if (task.kind === 'modify') cluster.pending = {}
  const name = task.kind === 'back-up' ? task.snapshot : task.kind === 'delete' ? task.finalSnapshot : null
  const snapshot = name === null ? undefined : state.snapshots[name]
  if (snapshot?.status === 'creating') snapshot.status = 'failed'
}

function lasts({ cloud, cluster, signal }: ClusterWork, state: keyof Durations): Promise<void> {
  return cloud.pace.lasts(state, `${cluster.region}/cluster:${cluster.id}`, signal)
}

async function show({ cloud, cluster }: ClusterWork, status: ClusterStatus): Promise<void> {
  if (cluster.status !== 'deleting') cluster.status = status
  await cloud.save()
}
