/** Backups that somebody asked for, the last one of an instance among them. The project's own (`backups`, not `backupRuns`): they outlive their
 *  instance where that was set up so. Google gives them their names; ours, and whose one is, stand in its description. */
import { failure } from '../../contracts/failures'
import { notOurs } from '../owner'
import type { CallOptions, ChangeOptions, ManagedPostgres, Owner, SnapshotDescription, Started } from '../port'
import { type BackupSource, sourcesOf } from './backup-source'
import type { Backup, CloudSql, Instance } from './client'
import { backupDescription, instanceIdOf, instantOf, nameIn } from './describe'
import { isNotFound } from './failures'
import { ADOPTED, findInstance, requireInstance } from './instances'
import { descriptionOf } from './labels'

export interface Described {
  /** The backup's own name, `projects/…/backups/…`. */
  readonly resource: string
  readonly description: SnapshotDescription
  readonly source: BackupSource
}

/** Newest first, those of an instance of this name, today's or an earlier one. */
async function backupsOf(
  sql: CloudSql,
  { instance, present }: { instance: string; present: Instance | null },
  options: CallOptions,
): Promise<Described[]> {
  return sql.ask('backups.listBackups', options, async ({ backups }) => {
    const parent = `projects/${sql.config.project}`
    const [found] = await backups.listBackups({ parent, filter: `instance:${instance}` })
    const own = found.filter((raw: Backup) => raw.instance === instance)
    const sourceOf = sourcesOf(own, present, sql.config)
    return own
      .filter(({ type }) => type === 'ON_DEMAND' || type === 'FINAL')
      .flatMap((raw: Backup) => {
        const source = sourceOf(raw)
        const description = backupDescription(raw, source)
        return description === null ? [] : [{ resource: raw.name ?? '', description, source }]
      })
  })
}

/** Of today's instance; of an earlier one only where that has none. Nothing keeps several from bearing one name: they are descriptions, which
 *  anybody can write. */
export async function backupsNamed(
  sql: CloudSql,
  { instance, name, sourceGone }: Asked,
  options: CallOptions,
): Promise<readonly Described[]> {
  const present = await findInstance(sql, instance, options)
  const named = (await backupsOf(sql, { instance, present }, options)).filter(({ description }) => description.name === name)
  const todays = named.filter(({ source }) => !source.gone)
  return todays.length > 0 && !sourceGone ? todays : named.filter(({ source }) => source.gone)
}

interface Asked {
  readonly instance: string
  readonly name: string
  /** Today's instance is not looked at. */
  readonly sourceGone?: true | undefined
}

/** @throws CLOUD_REFUSED where several instances that are gone have one of that name. */
export async function findBackup(sql: CloudSql, asked: Asked, options: CallOptions): Promise<Described | null> {
  const named = await backupsNamed(sql, asked, options)
  if (named[0]?.source.gone !== true) return named[0] ?? null
  const usable = named.filter(({ description }) => !['failed', 'deleting'].includes(description.state))
  const ids = new Set(usable.map(({ description }) => description.instanceId))
  if (ids.size <= 1) return usable[0] ?? named[0]
  const which = usable.map(({ resource, description }) => `${resource} of ${description.instanceId}`).join(', ')
  throw failure(
    'CLOUD_REFUSED',
    `Several instances that were called ${asked.instance} have a backup ${asked.name}: ${which}. Give all but the one that is meant another description.`,
    { snapshot: asked.name, instance: asked.instance },
  )
}

/** The very one, whatever it is called by now. */
export async function findVeryBackup(
  sql: CloudSql,
  { instance, id }: { instance: string; id: string },
  options: CallOptions,
): Promise<Described | null> {
  const present = await findInstance(sql, instance, options)
  return (await backupsOf(sql, { instance, present }, options)).find(({ resource }) => resource === id) ?? null
}

export async function listSnapshots(sql: CloudSql, instanceId: string, options: CallOptions): Promise<SnapshotDescription[]> {
  const instance = nameIn(instanceId)
  const present = await findInstance(sql, instance, options)
  const found = await backupsOf(sql, { instance, present }, options)
  return found.map(({ description }) => description).filter((snapshot) => snapshot.instanceId === instanceId)
}

function assertOwner(snapshot: SnapshotDescription, owner: Pick<Owner, 'operation' | 'step'>): void {
  const same = snapshot.owner?.operation === owner.operation && snapshot.owner.step === owner.step
  if (!same) throw notOurs(`Backup ${snapshot.name}`, owner)
}

export async function startSnapshot(
  sql: CloudSql,
  { instance, snapshot: name, owner }: Parameters<ManagedPostgres['startSnapshot']>[0],
  options: ChangeOptions,
): Promise<SnapshotDescription & Started> {
  const present = await requireInstance(sql, instance, options)
  const description = descriptionOf(name, owner, instantOf(present.createTime))
  const known = async (): Promise<SnapshotDescription | undefined> => {
    const found = await backupsOf(sql, { instance, present }, options)
    // One that failed is no snapshot: the step takes another.
    return found.map((one) => one.description).find((one) => one.name === name && one.state !== 'failed')
  }
  const existing = await known()
  if (existing) {
    assertOwner(existing, owner)
    return { ...existing, ...ADOPTED }
  }
  const parent = `projects/${sql.config.project}`
  const started = await sql.start('backups.createBackup', options, ({ backups }) =>
    backups.createBackup({ parent, backup: { instance, description } }),
  )
  const made = await known()
  if (made) return { ...made, ...started }
  // Not listed yet.
  const begun = backupDescription(
    { instance, description, databaseVersion: present.databaseVersion ?? null },
    { instanceId: instanceIdOf(present), setup: present },
  )
  if (begun === null) throw failure('DEFECT', `"${description}" is no description of a backup.`)
  return { ...begun, ...started }
}

export async function removeSnapshot(
  sql: CloudSql,
  { snapshot: name, instanceId, owner }: Parameters<ManagedPostgres['startSnapshotRemoval']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const instance = nameIn(instanceId)
  const present = await findInstance(sql, instance, options)
  const named = (await backupsOf(sql, { instance, present }, options)).filter(({ description }) => description.name === name)
  let last = ADOPTED
  // More than one where an attempt failed, or where a list lagged behind.
  for (const { resource, description } of named) {
    if (description.state === 'deleting') continue
    assertOwner(description, owner)
    if (description.instanceId !== instanceId) {
      throw failure('RESOURCE_NOT_OURS', `Backup ${name} was taken of another instance than ${instanceId}; it was left alone.`, {
        resource: name,
        found: description.instanceId,
        expected: instanceId,
      })
    }
    if (description.state === 'changing') {
      throw failure('CLOUD_BUSY', `Backup ${name} is ${description.cloudState}; it can be removed once it is complete.`)
    }
    last = await remove(sql, resource, options)
  }
  return last
}

async function remove(sql: CloudSql, name: string, options: ChangeOptions): Promise<Started> {
  return sql.start('backups.deleteBackup', options, async ({ backups }) => {
    try {
      return await backups.deleteBackup({ name })
    } catch (error) {
      // Gone meanwhile.
      if (isNotFound(error)) return [{}]
      throw error
    }
  })
}

/** Where a backup lies is said when it is taken, and one is not copied afterwards: a second one elsewhere would be of another moment. */
export async function startSnapshotCopy({ source }: Parameters<ManagedPostgres['startSnapshotCopy']>[0]): Promise<never> {
  throw failure(
    'CLOUD_REFUSED',
    `Cloud SQL copies no backup into another region, ${source.name} neither: where one lies is chosen when it is taken, or for all of an instance (its backup location).`,
    { snapshot: source.name },
  )
}
