/** Automated backups: base backups that RDS takes by itself, and the archive of the log between them. They belong together by the
 *  archive's name. What nobody can restore from any more is doomed, and goes as soon as no restore under way needs it. */
import { newFolderName } from '../postgres/servers'
import { type AwsCloud, specOf } from './cloud'
import { type AwsState, type DbInstance, type DbSnapshot, key, type RestoreWindow } from './state'

/** Of one archive, oldest first: those that can be restored from. */
export function backupsOf({ snapshots }: AwsState, archive: string): DbSnapshot[] {
  return Object.values(snapshots)
    .filter((snapshot) => snapshot.archive === archive && snapshot.status === 'available')
    .sort((a, b) => ((a.endedAt ?? '') < (b.endedAt ?? '') ? -1 : 1))
}

/** An archive of its own for a server that begins anew; the one of an earlier attempt is of no use to anybody. */
export function takeArchive({ state }: AwsCloud, instance: DbInstance): void {
  if (instance.archive !== null) doomArchive(state, instance.archive)
  instance.archive = instance.backupRetentionDays > 0 ? newFolderName() : null
  instance.restorable = null
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

/** What a snapshot of an instance keeps of it. */
export function snapshotOf(instance: DbInstance, id: string): DbSnapshot {
  const { region, major, engineVersion, instanceClass, storageGib, storageType, iops, throughput, zone } = instance
  return {
    region,
    id,
    type: 'manual',
    folder: newFolderName(),
    status: 'creating',
    major,
    engineVersion,
    instanceClass,
    storageGib,
    storageType,
    iops,
    throughput,
    encrypted: instance.settings.encrypted,
    kmsKeyId: instance.settings.kmsKeyId,
    zone,
    masterUsername: instance.masterUsername,
    databaseName: instance.databaseName,
    backupRetentionDays: instance.backupRetentionDays,
    instanceId: instance.id,
    instanceResourceId: instance.resourceId,
    instanceCreatedAt: instance.createdAt,
    createdAt: null,
    originalCreatedAt: null,
    endedAt: null,
    archive: null,
    source: null,
    sharedWith: [],
    tags: {},
    tasks: [],
  }
}

/** Has everything archived that was committed until now, or lately enough for `patience`. What can be restored to is remembered with the
 *  instance. */
export async function archiveUpToNow(
  cloud: AwsCloud,
  instance: DbInstance,
  signal: AbortSignal,
  patience = { youngMs: 0, idleMs: 0 },
): Promise<void> {
  const { archive } = instance
  if (archive === null) return
  await cloud.servers.newestMoment(specOf(cloud, instance), { ...patience, signal })
  if (instance.archive === archive) noteWindow(cloud, instance)
  await cloud.save()
}

function noteWindow({ state, servers }: AwsCloud, instance: DbInstance): void {
  const backups = instance.archive === null ? [] : backupsOf(state, instance.archive)
  const folders = backups.map(({ folder }) => folder)
  instance.restorable =
    instance.archive === null || folders.length === 0 ? null : windowOf(servers.restorable(instance.archive, folders))
}

function windowOf({ earliest, latest }: { earliest: string; latest: string | null }): RestoreWindow | null {
  return latest === null ? null : { earliest, latest }
}

/** After a new backup: those that are older than they are kept, and the log that only they needed. The newest one stays. */
export async function prune(cloud: AwsCloud, instance: DbInstance): Promise<void> {
  const { state, servers } = cloud
  const { archive } = instance
  if (archive === null) return
  const since = new Date(Date.now() - instance.backupRetentionDays * 86_400_000).toISOString()
  for (const old of backupsOf(state, archive).slice(0, -1)) if ((old.createdAt ?? '') < since) dropSnapshot(state, old)
  const needed = backupsOf(state, archive).map(({ folder }) => folder)
  await servers.pruneArchive(archive, [
    ...needed,
    ...pointsUnderWay(state).flatMap((point) => (point.archive === archive ? [point.backup] : [])),
  ])
  noteWindow(cloud, instance)
}

/** All backups of an archive, and the archive. */
export function doomArchive(state: AwsState, archive: string): void {
  state.doomed.archives.push(archive)
  for (const snapshot of Object.values(state.snapshots)) if (snapshot.archive === archive) dropSnapshot(state, snapshot)
}

/** One that is being restored from stays until that is done. */
function dropSnapshot(state: AwsState, snapshot: DbSnapshot): void {
  const name = key(snapshot.region, snapshot.id)
  const restoring = Object.values(state.instances).some(({ tasks }) =>
    tasks.some((task) => task.kind === 'restore' && task.snapshot === name),
  )
  if (restoring) return
  delete state.snapshots[name]
  state.doomed.snapshots.push(snapshot.folder)
}

/** What restores under way read from. */
function pointsUnderWay({ instances }: AwsState): { backup: string; archive: string }[] {
  const tasks = Object.values(instances).flatMap((instance) => instance.tasks)
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
  const living = new Set([...Object.values(state.instances), ...Object.values(state.retained)].map(({ archive }) => archive))
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

/** What the sweep at a start must leave. */
export function knownFolders(state: AwsState): { snapshots: Set<string>; archives: Set<string> } {
  const archives = [
    ...Object.values(state.instances).flatMap(({ archive }) => archive ?? []),
    ...Object.values(state.retained).map(({ archive }) => archive),
    ...state.doomed.archives,
  ]
  const snapshots = [...Object.values(state.snapshots).map(({ folder }) => folder), ...state.doomed.snapshots]
  return { snapshots: new Set(snapshots), archives: new Set(archives) }
}
