/** An instance overwritten with a backup of its own. Its settings, labels and networks stay; its data, its users, its log and whatever moments could be
 *  restored by that go. The call takes no name of ours: which restore is ours is told by when it was begun, on Google's own clock. Source: Cloud SQL,
 *  "Restore an instance", and the reference of instances.restoreBackup. */
import { Failure, failure } from '../../contracts/failures'
import type { ChangeOptions, ManagedPostgres, Overwritable, OverwriteProgress, SnapshotDescription } from '../port'
import { backupsNamed, type Described, findVeryBackup } from './backups'
import type { CloudSql, Instance, Operation } from './client'
import { failureOf, instanceDescription, instantOf, isUnfinished } from './describe'
import { describe, operationsOf, requireVery } from './instances'
import { ruleNamesOf } from './settings'

type Asked = Parameters<ManagedPostgres['overwrite']>[0]

export async function overwriteObstacles(
  sql: CloudSql,
  { instance, snapshot }: Parameters<ManagedPostgres['overwriteObstacles']>[0],
  options: Parameters<ManagedPostgres['overwriteObstacles']>[1],
): Promise<Overwritable> {
  const found = await requireVery(sql, instance, options)
  const named = await backupsNamed(sql, { instance: instance.name, name: snapshot }, options)
  const [backup] = named
  const obstacles = [...standing(found, backup?.description), ...namesakes(named)]
  return { obstacles, snapshotId: backup?.resource ?? null, ruleNames: ruleNamesOf(found) }
}

function standing(found: Instance, backup: SnapshotDescription | undefined): string[] {
  return [...replicationOf(found), ...networksThatEnd(found), ...(backup === undefined ? [] : misfits(found, backup))]
}

/** An approval would be for one of them, and nobody could tell which. */
function namesakes(named: readonly Described[]): string[] {
  const usable = named.filter(({ description }) => !['failed', 'deleting'].includes(description.state))
  const [first] = usable
  if (first === undefined || usable.length === 1) return []
  const which = usable.map(
    ({ resource, description }) => `${resource} of ${description.createdAt ?? 'a moment that is not told'}`,
  )
  return [
    `Instance ${first.description.instance} has ${usable.length} backups that are called ${first.description.name}: ${which.join(', ')}. Give all but the one that is meant another description, or delete them.`,
  ]
}

function replicationOf({ name, replicaNames, masterInstanceName }: Instance): string[] {
  const replicas = replicaNames ?? []
  return [
    ...(replicas.length === 0
      ? []
      : [
          `Instance ${name} has read replicas, which Cloud SQL wants gone before it is overwritten: ${replicas.join(', ')}. Delete or promote them first, and make them anew afterwards.`,
        ]),
    ...(masterInstanceName
      ? [`Instance ${name} is a read replica of ${masterInstanceName}: only a primary is overwritten.`]
      : []),
  ]
}

/** The networks are closed meanwhile, and are given back as the port knows them. */
function networksThatEnd({ name, settings }: Instance): string[] {
  const networks = settings?.ipConfiguration?.authorizedNetworks ?? []
  const others = networks.filter(
    ({ value, expirationTime }) => instantOf(expirationTime) !== null || !/^[\d./]+$/.test(value ?? ''),
  )
  if (others.length === 0) return []
  const named = others.map(({ value }) => value).join(', ')
  return [
    `Authorized networks of ${name} that end some day, or that are none of IPv4, could not be given back once its networks were closed: ${named}. Take them out first.`,
  ]
}

function misfits(found: Instance, { name, engineVersion }: Pick<SnapshotDescription, 'name' | 'engineVersion'>): string[] {
  const now = instanceDescription(found, [])
  if (majorOf(now.engineVersion) === majorOf(engineVersion)) return []
  return [
    `Backup ${name} is of PostgreSQL ${engineVersion}, and instance ${now.name} runs ${now.engineVersion}: it does not go back to another major version.`,
  ]
}

function majorOf(version: string): string {
  return version.split('.')[0] ?? version
}

/** Restores of the instance that began after the fresh backup was, newest first: all of them, since one that is overlooked is begun once more. */
async function restoresSince(sql: CloudSql, found: Instance, { since }: Asked, options: ChangeOptions): Promise<Operation[]> {
  const operations = await operationsOf(sql, found, options, since)
  return operations.filter((one) => one.operationType === 'RESTORE_VOLUME' && (instantOf(one.insertTime) ?? '9') > since)
}

export async function overwrite(sql: CloudSql, input: Asked, options: ChangeOptions): Promise<OverwriteProgress> {
  const { instance, snapshot, snapshotId, failedBefore } = input
  const found = await requireVery(sql, instance, options)
  const restores = await restoresSince(sql, found, input, options)
  for (const restore of restores) assertOfBackup(restore, input)
  const [newest] = restores
  const failed = restores.filter((one) => failureOf(one) !== null)
  const why = newest === undefined ? null : failureOf(newest)
  if (newest !== undefined && why === null) return progressOf(sql, found, newest, options)
  if (newest !== undefined && failed.length > failedBefore) return { done: false, operation: newest.name || null, failure: why }
  const backup = await findVeryBackup(sql, { instance: instance.name, id: snapshotId }, options)
  if (backup?.description.state !== 'ready') {
    const message = `Instance ${instance.name} has no complete backup ${snapshot} any more (${snapshotId}); it was not overwritten with another one.`
    throw failure('SNAPSHOT_NOT_FOUND', message, { snapshot, snapshotId })
  }
  const [obstacle] = standing(found, backup.description)
  if (obstacle !== undefined) throw failure('CLOUD_REFUSED', obstacle, { instance: instance.name })
  const { operation } = await sql
    .start('instances.restoreBackup', options, ({ instances }) =>
      instances.restoreBackup({ project: sql.config.project, instance: instance.name, body: { backup: backup.resource } }),
    )
    .catch((error) => {
      throw withoutTheRight(error, instance.name)
    })
  return { done: false, operation, failure: null }
}

/** A right for instances of some names only is not told before it is needed: see docs/permissions.md. */
function withoutTheRight(error: unknown, instance: string): unknown {
  if (!(error instanceof Failure) || error.code !== 'CREDENTIALS_REJECTED') return error
  const message = `${error.message} Nothing of it has begun: instance ${instance} holds what it held. Whoever acts here needs cloudsql.instances.restoreBackup for ${instance} itself: grant it, then have it tried again.`
  return failure(error.code, message, error.facts, { cause: error })
}

/** As far as Google says of which backup it was. @throws RESOURCE_NOT_OURS. */
function assertOfBackup({ name, backupContext }: Operation, { instance, snapshot, snapshotId }: Asked): void {
  const found = backupContext?.name
  if (!found || found === snapshotId) return
  throw failure(
    'RESOURCE_NOT_OURS',
    `Somebody else overwrote instance ${instance.name} meanwhile, with ${found} and not with ${snapshot}, ${snapshotId} (operation ${name}): it was left alone.`,
    { instance: instance.name, operation: name ?? null },
  )
}

/** Done once the instance has nothing under way any more. @throws RESOURCE_FAILED where waiting brings nothing. */
async function progressOf(
  sql: CloudSql,
  found: Instance,
  restore: Operation,
  options: ChangeOptions,
): Promise<OverwriteProgress> {
  const { state, cloudState } = await describe(sql, found, options)
  if (!isUnfinished(restore) && (state === 'failed' || state === 'stopped')) {
    const now = state === 'stopped' ? 'stopped' : cloudState
    const message = `The restore of instance ${found.name} is over (operation ${restore.name}), and the instance is ${now}: it will not become available by itself. Bring it up over Google's console, then have it tried again.`
    throw failure('RESOURCE_FAILED', message, { instance: found.name ?? null, operation: restore.name || null, cloudState })
  }
  return { done: !isUnfinished(restore) && state === 'ready', operation: restore.name || null, failure: null }
}
