/** Backups that somebody asked for. The project's own (`backups`, not `backupRuns`): they outlive their instance. Google gives them their
 *  names; ours, and whose one is, stand in its description. */
import { failure } from '../../contracts/failures'
import { notOurs } from '../owner'
import type { CallOptions, ChangeOptions, ManagedPostgres, Owner, SnapshotDescription, Started } from '../port'
import type { Backup, CloudSql, Instance } from './client'
import { backupDescription, nameIn } from './describe'
import { isNotFound } from './failures'
import { ADOPTED, findInstance, requireInstance } from './instances'
import { descriptionOf } from './labels'

export interface Described {
  /** The backup's own name, `projects/…/backups/…`. */
  readonly resource: string
  readonly description: SnapshotDescription
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
    return found
      .filter((raw: Backup) => raw.type === 'ON_DEMAND' && raw.instance === instance)
      .flatMap((raw: Backup) => {
        const description = backupDescription(raw, present)
        return description === null ? [] : [{ resource: raw.name ?? '', description }]
      })
  })
}

/** Of today's instance; of an earlier one only where that has none. Nothing keeps several from bearing one name: they are descriptions, which
 *  anybody can write. */
export async function backupsNamed(
  sql: CloudSql,
  { instance, name }: { instance: string; name: string },
  options: CallOptions,
): Promise<readonly Described[]> {
  const present = await findInstance(sql, instance, options)
  const named = (await backupsOf(sql, { instance, present }, options)).filter(({ description }) => description.name === name)
  const todays = named.filter(({ description }) => !description.instanceId.endsWith('@before'))
  return todays.length > 0 ? todays : named
}

export async function findBackup(
  sql: CloudSql,
  asked: { instance: string; name: string },
  options: CallOptions,
): Promise<Described | null> {
  return (await backupsNamed(sql, asked, options))[0] ?? null
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
  const description = descriptionOf(name, owner)
  const present = await requireInstance(sql, instance, options)
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
  const begun = backupDescription({ instance, description, databaseVersion: present.databaseVersion ?? null }, present)
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
