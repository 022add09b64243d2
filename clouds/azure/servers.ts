/** Flexible servers: found, listed, made, changed, removed. */
import type { Server } from '@azure/arm-postgresql-flexible'
import { Failure, failure } from '../../contracts/failures'
import { isTemporaryName } from '../../contracts/operation'
import {
  assertMine,
  assertRemovable,
  assertRunning,
  assertUnprotected,
  assertVery,
  instanceNotFound,
  isTemporaryOf,
  ownerTags,
  requireSize,
  type Tags,
  tagsDiffer,
  withTags,
} from '../owner'
import type { CallOptions, ChangeOptions, InstanceRef, ManagedPostgres, Started } from '../port'
import type { Azure } from './client'
import { serverDescription } from './describe'
import { errorCode } from './failures'

export const ADOPTED: Started = { operation: null }

export async function findServer(azure: Azure, name: string, options: CallOptions): Promise<Server | null> {
  return azure.ask('Servers_Get', options, async (sdk, request) => {
    try {
      return await sdk.servers.get(azure.groupOf(name), name, request)
    } catch (error) {
      const said = errorCode(error)
      // A group of copies that is gone took them along; one of production that is not there is misspelt.
      if (said === 'ResourceNotFound' || (said === NO_GROUP && isTemporaryName(name))) return null
      throw error
    }
  })
}

const NO_GROUP = 'ResourceGroupNotFound'

/** @throws INSTANCE_NOT_FOUND. */
export async function requireServer(azure: Azure, name: string, options: CallOptions): Promise<Server> {
  const found = await findServer(azure, name, options)
  if (found === null) throw instanceNotFound('Azure', name)
  return found
}

/** @throws INSTANCE_NOT_FOUND, TARGET_MISMATCH. */
export async function requireVery(azure: Azure, instance: InstanceRef, options: CallOptions): Promise<Server> {
  const found = await requireServer(azure, instance.name, options)
  assertVery('Azure', serverDescription(found), instance)
  return found
}

export async function allServers(azure: Azure, options: CallOptions): Promise<Server[]> {
  const found: Server[] = []
  for (const group of azure.groups) found.push(...(await serversIn(azure, group, options)))
  return found
}

async function serversIn(azure: Azure, group: string, options: CallOptions): Promise<Server[]> {
  return azure.ask('Servers_ListByResourceGroup', options, async (sdk, request) => {
    const found: Server[] = []
    for await (const server of sdk.servers.listByResourceGroup(group, request)) found.push(server)
    return found
  })
}

/** Those of temporary names are here, and nowhere else; none where the group is gone. */
async function copies(azure: Azure, options: CallOptions): Promise<Server[]> {
  return serversIn(azure, azure.copiesGroup, options).catch((error) => {
    if (error instanceof Failure && error.facts.error === NO_GROUP) return []
    throw error
  })
}

export function tagsOf({ tags }: Server): Tags {
  return tags ?? {}
}

/** The API wants the tier named beside the size, whose first letter says it. @throws CLOUD_REFUSED. */
export function skuOf(instanceClass: string): { name: string; tier: string } {
  const tiers: Record<string, string> = { B: 'Burstable', D: 'GeneralPurpose', E: 'MemoryOptimized' }
  const tier = tiers[/^Standard_([A-Z])/.exec(instanceClass)?.[1] ?? '']
  if (tier !== undefined) return { name: instanceClass, tier }
  throw failure('CLOUD_REFUSED', `"${instanceClass}" is no class of Azure; wanted is one such as Standard_D2ds_v5.`, {
    instanceClass,
  })
}

export async function startCreate(
  azure: Azure,
  location: string,
  input: Parameters<ManagedPostgres['startCreate']>[0],
  options: ChangeOptions,
): Promise<Started> {
  if (input.deletionProtected) {
    throw failure('CLOUD_REFUSED', 'Azure has no deletion protection of a server; put a lock of Resource Manager on it instead.')
  }
  const existing = await findServer(azure, input.instance, options)
  if (existing !== null) {
    assertMine(`Server ${input.instance}`, tagsOf(existing), input.owner)
    return ADOPTED
  }
  const server: Server = {
    location,
    tags: ownerTags(input.owner),
    // Not `Default`, which would change a server that somebody made meanwhile.
    createMode: 'Create',
    version: input.engineVersion,
    sku: skuOf(input.instanceClass),
    storage: { storageSizeGB: requireSize(input) },
    administratorLogin: input.master.name,
    administratorLoginPassword: input.master.password,
  }
  return azure.start('Servers_CreateOrUpdate', options, (sdk, request) =>
    sdk.servers.beginCreateOrUpdate(azure.groupOf(input.instance), input.instance, server, request),
  )
}

export async function startScale(
  azure: Azure,
  { instance, instanceClass, storageGib }: Parameters<ManagedPostgres['startScale']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const { sku, storage } = await requireVery(azure, instance, options)
  const wanted = {
    ...(instanceClass === null || instanceClass === sku?.name ? {} : { sku: skuOf(instanceClass) }),
    ...(storageGib === null || storageGib <= (storage?.storageSizeGB ?? 0) ? {} : { storage: { storageSizeGB: storageGib } }),
  }
  if (Object.keys(wanted).length === 0) return ADOPTED
  return azure.start('Servers_Update', options, (sdk, request) =>
    sdk.servers.beginUpdate(azure.groupOf(instance.name), instance.name, wanted, request),
  )
}

export async function startRestart(azure: Azure, instance: InstanceRef, options: ChangeOptions): Promise<Started> {
  const found = await requireVery(azure, instance, options)
  if (found.state === 'Restarting') return ADOPTED
  assertRunning(serverDescription(found))
  return restart(azure, instance.name, options)
}

export async function startStop(azure: Azure, instance: InstanceRef, options: ChangeOptions): Promise<Started> {
  const { state = '' } = await requireVery(azure, instance, options)
  if (['Stopped', 'Stopping'].includes(state)) return ADOPTED
  return azure.start('Servers_Stop', options, (sdk, request) =>
    sdk.servers.beginStop(azure.groupOf(instance.name), instance.name, request),
  )
}

export async function startStart(azure: Azure, instance: InstanceRef, options: ChangeOptions): Promise<Started> {
  const { state = '' } = await requireVery(azure, instance, options)
  // One that is still being stopped is refused, and asked again.
  if (!['Stopped', 'Stopping'].includes(state)) return ADOPTED
  return azure.start('Servers_Start', options, (sdk, request) =>
    sdk.servers.beginStart(azure.groupOf(instance.name), instance.name, request),
  )
}

export function restart(azure: Azure, name: string, options: ChangeOptions): Promise<Started> {
  return azure.start('Servers_Restart', options, (sdk, request) => sdk.servers.beginRestart(azure.groupOf(name), name, request))
}

export async function resetPassword(
  azure: Azure,
  input: Parameters<ManagedPostgres['startPasswordReset']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const server = await requireServer(azure, input.instance, options)
  // A password is only ever reset on a copy that this operation made.
  assertMine(`Server ${input.instance}`, tagsOf(server), input)
  return azure.start('Servers_Update', options, (sdk, request) =>
    sdk.servers.beginUpdate(
      azure.groupOf(input.instance),
      input.instance,
      { administratorLoginPassword: input.password },
      request,
    ),
  )
}

/** Tags are replaced as a whole. A server is Updating while they are; one that is stopped, or out of reach, has those that it shows. */
export async function setTags(
  azure: Azure,
  { instance, ...wanted }: Parameters<ManagedPostgres['setTags']>[0],
  options: ChangeOptions,
): Promise<{ done: boolean }> {
  const { name } = instance
  const found = await requireVery(azure, instance, options)
  if (!tagsDiffer(tagsOf(found), wanted)) return { done: found.state !== 'Updating' }
  const tags = withTags(tagsOf(found), wanted)
  await azure.start('Servers_Update', options, (sdk, request) =>
    sdk.servers.beginUpdate(azure.groupOf(name), name, { tags }, request),
  )
  return { done: false }
}

function deleteServer(azure: Azure, name: string, options: ChangeOptions): Promise<Started> {
  return azure.start('Servers_Delete', options, (sdk, request) => sdk.servers.beginDelete(azure.groupOf(name), name, request))
}

export async function startRemoval(
  azure: Azure,
  input: Parameters<ManagedPostgres['startRemoval']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const found = await findServer(azure, input.instance.name, options)
  if (found === null || found.state === 'Dropping') return ADOPTED
  assertRemovable('Azure', serverDescription(found), input)
  return deleteServer(azure, input.instance.name, options)
}

export async function removeOwnedInstances(
  azure: Azure,
  operation: string,
  options: ChangeOptions,
): Promise<{ done: boolean; removing: readonly string[] }> {
  const owned = (await copies(azure, options)).filter((server) => isTemporaryOf(operation, server.name ?? '', tagsOf(server)))
  const staying = owned.filter(({ state }) => state !== 'Dropping')
  for (const server of staying) assertUnprotected(serverDescription(server))
  for (const { name = '' } of staying) {
    await deleteServer(azure, name, options).catch((error) => {
      // Gone meanwhile, or in a state from which it cannot go yet: whoever waits for the removal asks again.
      if (!(error instanceof Failure) || !['CLOUD_BUSY', 'INSTANCE_NOT_FOUND'].includes(error.code)) throw error
    })
  }
  return { done: owned.length === 0, removing: owned.map(({ name = '' }) => name) }
}
