/** Automated backups: base backups that RDS takes by itself, and the archive of the log between them. They belong together by the
 *  archive's name. What nobody can restore from any more is doomed, and goes as soon as no restore under way needs it. */
import { newFolderName, type ServerSpec } from '../postgres/servers'
import type { AwsCloud } from './cloud'
import {
  type AwsState,
  type ClusterTask,
  type DbCluster,
  type DbInstance,
  type DbSnapshot,
  key,
  type RestoreWindow,
  type Task,
} from './state'

/** Who keeps backups: an instance, or a cluster for its members. */
export type Keeper = Pick<DbInstance, 'archive' | 'restorable' | 'backupRetentionDays'>

/** Of one archive, oldest first: those that can be restored from. */
export function backupsOf({ snapshots }: AwsState, archive: string): DbSnapshot[] {
  return Object.values(snapshots)
    .filter((snapshot) => snapshot.archive === archive && snapshot.status === 'available')
    .sort((a, b) => ((a.endedAt ?? '') < (b.endedAt ?? '') ? -1 : 1))
}

/** An archive of its own for a server that begins anew; the one of an earlier attempt is of no use to anybody. */
export function takeArchive({ state }: AwsCloud, keeper: Keeper): void {
  if (keeper.archive !== null) doomArchive(state, keeper.archive)
  keeper.archive = keeper.backupRetentionDays > 0 ? newFolderName() : null
  keeper.restorable = null
}

/** The record of a base backup that is to be taken. @returns its key. */
export function addAutomatedSnapshot(cloud: AwsCloud, instance: DbInstance): string {
  const minute = new Date().toISOString().slice(0, 16).replace(/[T:]/g, '-')
  const stem = `rds:${instance.id}-${minute}`
  const { snapshots } = cloud.state
  let id = stem
  for (let n = 2; snapshots[key(instance.region, id)]; n++) id = `${stem}-${n}`
  const name = key(instance.region, id)
  snapshots[name] = {
    ...snapshotOf(instance, id),
    type: 'automated',
    archive: instance.archive,
    tags: instance.copyTagsToSnapshot ? { ...instance.tags } : {},
  }
  return name
}

/** What every snapshot is until it is taken. */
function untaken() {
  return {
    type: 'manual',
    folder: newFolderName(),
    status: 'creating',
    createdAt: null,
    originalCreatedAt: null,
    endedAt: null,
    archive: null,
    source: null,
    sharedWith: [],
    tags: {},
    tasks: [],
  } satisfies Partial<DbSnapshot>
}

/** What a snapshot of an instance keeps of it. */
export function snapshotOf(instance: DbInstance, id: string): DbSnapshot {
  const { region, engine, major, engineVersion, instanceClass, storageGib, storageType, iops, throughput, zone } = instance
  return {
    region,
    id,
    ofCluster: false,
    ...untaken(),
    engine,
    major,
    engineVersion,
    instanceClass,
    storageGib,
    storageType,
    iops,
    throughput,
    encrypted: instance.settings.encrypted,
    kmsKeyId: instance.settings.kmsKeyId,
    iamAuthentication: instance.iamAuthentication ?? false,
    zone,
    masterUsername: instance.masterUsername,
    databaseName: instance.databaseName,
    backupRetentionDays: instance.backupRetentionDays,
    instanceId: instance.id,
    instanceResourceId: instance.resourceId,
    instanceCreatedAt: instance.createdAt,
  }
}

/** Of a cluster: its key has a word before the identifier, since the two kinds of snapshots have names of their own. */
export function clusterSnapshotKey(region: string, id: string): string {
  return key(region, `cluster:${id}`)
}

/** What a snapshot of a cluster keeps of it. */
export function clusterSnapshotOf(cluster: DbCluster, id: string): DbSnapshot {
  const { region, major, engineVersion, masterUsername, databaseName, backupRetentionDays, settings } = cluster
  return {
    region,
    id,
    ofCluster: true,
    ...untaken(),
    engine: 'aurora-postgresql',
    major,
    engineVersion,
    instanceClass: '',
    storageGib: 1,
    storageType: 'aurora',
    iops: null,
    throughput: null,
    encrypted: settings.encrypted,
    kmsKeyId: settings.kmsKeyId,
    iamAuthentication: cluster.iamAuthentication ?? false,
    zone: `${region}a`,
    masterUsername,
    databaseName,
    backupRetentionDays,
    instanceId: cluster.id,
    instanceResourceId: cluster.resourceId,
    instanceCreatedAt: cluster.createdAt,
  }
}

/** Has everything archived that was committed until now, or lately enough for `patience`. What can be restored to is remembered with who
 *  keeps it. */
export async function archiveUpToNow(
  cloud: AwsCloud,
  { keeper, spec }: { keeper: Keeper; spec: ServerSpec },
  signal: AbortSignal,
  patience = { youngMs: 0, idleMs: 0 },
): Promise<void> {
  const { archive } = keeper
  if (archive === null) return
  await cloud.servers.newestMoment(spec, { ...patience, signal })
  if (keeper.archive === archive) noteWindow(cloud, keeper)
  await cloud.save()
}

function noteWindow({ state, servers }: AwsCloud, keeper: Keeper): void {
  const { archive } = keeper
  const folders = archive === null ? [] : backupsOf(state, archive).map(({ folder }) => folder)
  keeper.restorable = archive === null || folders.length === 0 ? null : windowOf(servers.restorable(archive, folders))
}

function windowOf({ earliest, latest }: { earliest: string; latest: string | null }): RestoreWindow | null {
  return latest === null ? null : { earliest, latest }
}

/** After a new backup: those that are older than they are kept, and the log that only they needed. The newest one stays. */
export async function prune(cloud: AwsCloud, keeper: Keeper): Promise<void> {
  const { state, servers } = cloud
  const { archive } = keeper
  if (archive === null) return
  const since = new Date(Date.now() - keeper.backupRetentionDays * 86_400_000).toISOString()
  for (const old of backupsOf(state, archive).slice(0, -1)) if ((old.createdAt ?? '') < since) dropSnapshot(state, old)
  const needed = backupsOf(state, archive).map(({ folder }) => folder)
  await servers.pruneArchive(archive, [
    ...needed,
    ...pointsUnderWay(state).flatMap((point) => (point.archive === archive ? [point.backup] : [])),
  ])
  noteWindow(cloud, keeper)
}

/** All backups of an archive, and the archive. */
export function doomArchive(state: AwsState, archive: string): void {
  state.doomed.archives.push(archive)
  for (const snapshot of Object.values(state.snapshots)) if (snapshot.archive === archive) dropSnapshot(state, snapshot)
}

export function keyOfSnapshot({ region, id, ofCluster }: DbSnapshot): string {
  return ofCluster ? clusterSnapshotKey(region, id) : key(region, id)
}

/** One that is being restored from stays until that is done. */
export function dropSnapshot(state: AwsState, snapshot: DbSnapshot): void {
  const name = keyOfSnapshot(snapshot)
  const restoring = Object.values(state.instances).some(({ tasks }) =>
    tasks.some((task) => task.kind === 'restore' && task.snapshot === name),
  )
  if (restoring) return
  delete state.snapshots[name]
  state.doomed.snapshots.push(snapshot.folder)
}

/** What restores under way read from. */
function pointsUnderWay({ instances, clusters }: AwsState): { backup: string; archive: string }[] {
  const tasks = [...Object.values(instances), ...Object.values(clusters)].flatMap((one): (Task | ClusterTask)[] => one.tasks)
  return tasks.flatMap((task) => (task.kind === 'restore-to-time' ? [task] : []))
}

/** Deletes what is doomed and not held: one after the other, and what cannot be deleted now is tried again the next time. */
export function createSweeper(cloud: () => AwsCloud): () => Promise<void> {
  let sweeping: Promise<void> = Promise.resolve()
  return () => {
    sweeping = sweeping.then(() => sweepDoomed(cloud())).catch((error) => cloud().log(`backups: ${error}`))
    return sweeping
  }
}

async function sweepDoomed(cloud: AwsCloud): Promise<void> {
  const { state, servers } = cloud
  const living = new Set(keepersIn(state).map(({ archive }) => archive))
  // those that were being restored from when their archive was doomed
  for (const snapshot of Object.values(state.snapshots)) {
    if (snapshot.type === 'automated' && !living.has(snapshot.archive)) dropSnapshot(state, snapshot)
  }
  const points = pointsUnderWay(state)
  const [snapshots, archives] = [new Set(points.map(({ backup }) => backup)), new Set(points.map(({ archive }) => archive))]
  const shared = new Set(Object.values(state.snapshots).map(({ folder }) => folder))
  for (const folder of state.doomed.snapshots.filter((one) => !snapshots.has(one))) {
    if (!shared.has(folder)) await servers.removeSnapshot(folder)
    state.doomed.snapshots = state.doomed.snapshots.filter((one) => one !== folder)
  }
  for (const archive of state.doomed.archives.filter((one) => !archives.has(one))) {
    await servers.removeArchive(archive)
    state.doomed.archives = state.doomed.archives.filter((one) => one !== archive)
  }
  await cloud.save()
}

function keepersIn(state: AwsState): { archive: string | null }[] {
  return [...Object.values(state.instances), ...Object.values(state.retained), ...Object.values(state.clusters)]
}

/** What the sweep at a start must leave. */
export function knownFolders(state: AwsState): Record<'instances' | 'snapshots' | 'archives', Set<string>> {
  const archives = [...keepersIn(state).flatMap(({ archive }) => archive ?? []), ...state.doomed.archives]
  const instances = [
    ...Object.values(state.instances).map(({ folder }) => folder),
    ...Object.values(state.clusters).flatMap(({ volume }) => volume ?? []),
  ]
  const snapshots = [...Object.values(state.snapshots).map(({ folder }) => folder), ...state.doomed.snapshots]
  return { instances: new Set(instances), snapshots: new Set(snapshots), archives: new Set(archives) }
}
