/** On-demand backups. Whose one is, its name alone says, since it has no tags: `cap-<operation>-<step>`. It is listed once it is complete, and
 *  goes with its server. Burstable servers have none. */
import type { BackupAutomaticAndOnDemand, Server } from '@azure/arm-postgresql-flexible'
import { Failure, failure } from '../../contracts/failures'
import { temporaryName } from '../../contracts/operation'
import { notOurs } from '../owner'
import type { CallOptions, ChangeOptions, ManagedPostgres, Owner, SnapshotDescription, Started } from '../port'
import type { Azure } from './client'
import { backupDescription, instanceIdOf, isOnDemand, nameIn } from './describe'
import { errorCode } from './failures'
import { ADOPTED, findServer, requireServer } from './servers'

type Key = Pick<Owner, 'operation' | 'step'>

async function findBackup(
  azure: Azure,
  { server, name }: { server: string; name: string },
  options: CallOptions,
): Promise<BackupAutomaticAndOnDemand | null> {
  return azure.ask('BackupsAutomaticAndOnDemand_Get', options, async (sdk, request) => {
    try {
      return await sdk.backupsAutomaticAndOnDemand.get(azure.groupOf(server), server, name, request)
    } catch (error) {
      if (/^(Parent)?ResourceNotFound$/.test(errorCode(error))) return null
      throw error
    }
  })
}

export async function describeSnapshot(
  azure: Azure,
  { instance, name }: { instance: string; name: string },
  options: CallOptions,
): Promise<SnapshotDescription | null> {
  const backup = await findBackup(azure, { server: instance, name }, options)
  if (backup === null) return null
  const server = await findServer(azure, instance, options)
  return server === null ? null : backupDescription(server, name, backup)
}

export async function listSnapshots(azure: Azure, instanceId: string, options: CallOptions): Promise<SnapshotDescription[]> {
  const server = await findServer(azure, nameIn(instanceId), options)
  if (server === null || instanceIdOf(server) !== instanceId) return []
  const name = server.name ?? ''
  return azure.ask('BackupsAutomaticAndOnDemand_ListByServer', options, async (sdk, request) => {
    const found: SnapshotDescription[] = []
    for await (const backup of sdk.backupsAutomaticAndOnDemand.listByServer(azure.groupOf(name), name, request)) {
      if (isOnDemand(backup)) found.push(backupDescription(server, backup.name ?? '', backup))
    }
    return found
  })
}

export async function startSnapshot(
  azure: Azure,
  { instance, snapshot: name, owner }: Parameters<ManagedPostgres['startSnapshot']>[0],
  options: ChangeOptions,
): Promise<SnapshotDescription & Started> {
  const server = await requireServer(azure, instance, options)
  const existing = await findBackup(azure, { server: instance, name }, options)
  if (existing !== null) {
    assertNamedFor(name, owner, existing)
    return { ...backupDescription(server, name, existing), ...ADOPTED }
  }
  if (name !== temporaryName(owner.operation, owner.step) || !/^[-\w.]{1,128}$/.test(name)) {
    throw failure(
      'CLOUD_REFUSED',
      `"${name}" cannot be a backup of operation ${owner.operation}: Azure knows whose one is by its name alone, which has to be ${temporaryName(owner.operation, owner.step)}.`,
    )
  }
  const started = await azure
    .start('BackupsAutomaticAndOnDemand_Create', options, (sdk, request) =>
      sdk.backupsAutomaticAndOnDemand.beginCreate(azure.groupOf(instance), instance, name, request),
    )
    .catch((error) => {
      // Begun by an attempt whose answer was lost, and not listed yet.
      if (error instanceof Failure && error.facts.error === 'ResourceAlreadyExists') return ADOPTED
      throw error
    })
  return { ...backupDescription(server, name, null), ...started }
}

function assertNamedFor(name: string, owner: Key, backup: BackupAutomaticAndOnDemand): void {
  if (name !== temporaryName(owner.operation, owner.step) || !isOnDemand(backup)) throw notOurs(`Backup ${name}`, owner)
}

/** Asks for the removal of one that is not listed, too: it may be on its way, and then the server is busy. */
export async function removeSnapshot(
  azure: Azure,
  { snapshot: name, instanceId, owner }: Parameters<ManagedPostgres['startSnapshotRemoval']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const server: Server | null = await findServer(azure, nameIn(instanceId), options)
  if (server === null || instanceIdOf(server) !== instanceId) return ADOPTED
  const { name: of = '' } = server
  const backup = await findBackup(azure, { server: of, name }, options)
  if (backup !== null) assertNamedFor(name, owner, backup)
  else if (name !== temporaryName(owner.operation, owner.step)) return ADOPTED
  return azure
    .start('BackupsAutomaticAndOnDemand_Delete', options, (sdk, request) =>
      sdk.backupsAutomaticAndOnDemand.beginDelete(azure.groupOf(of), of, name, request),
    )
    .catch((error) => {
      if (error instanceof Failure && error.facts.error === 'ResourceNotFound') return ADOPTED
      throw error
    })
}

/** Backups belong to their server and are where it is, or in its paired region too, if that was chosen when the server was made. */
export async function startSnapshotCopy({ source }: Parameters<ManagedPostgres['startSnapshotCopy']>[0]): Promise<never> {
  throw failure(
    'CLOUD_REFUSED',
    `Azure copies no backup of a flexible server into another region, ${source.name} neither: whether backups are kept in the paired region as well is chosen when a server is made (geo-redundant backup).`,
    { snapshot: source.name },
  )
}
