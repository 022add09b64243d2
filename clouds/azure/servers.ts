/** Flexible servers: found, listed, made, changed, removed. */
import type { Server } from '@azure/arm-postgresql-flexible'
import { Failure, failure } from '../../contracts/failures'
import { assertMine, assertRemovable, assertVery, instanceNotFound, isTemporaryOf, ownerTags, type Tags } from '../owner'
import type { CallOptions, ChangeOptions, InstanceRef, ManagedPostgres, Started } from '../port'
import type { Azure } from './client'
import { serverDescription } from './describe'
import { errorCode } from './failures'

export const ADOPTED: Started = { operation: null }

export async function findServer(azure: Azure, name: string, options: CallOptions): Promise<Server | null> {
  return azure.ask('Servers_Get', options, async (sdk, request) => {
    try {
      return await sdk.servers.get(azure.config.resourceGroup, name, request)
    } catch (error) {
      if (errorCode(error) === 'ResourceNotFound') return null
      throw error
    }
  })
}

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
  return azure.ask('Servers_ListByResourceGroup', options, async (sdk, request) => {
    const found: Server[] = []
    for await (const server of sdk.servers.listByResourceGroup(azure.config.resourceGroup, request)) found.push(server)
    return found
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
    storage: { storageSizeGB: input.storageGib },
    administratorLogin: input.master.name,
    administratorLoginPassword: input.master.password,
  }
  return azure.start('Servers_CreateOrUpdate', options, (sdk, request) =>
    sdk.servers.beginCreateOrUpdate(azure.config.resourceGroup, input.instance, server, request),
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
    sdk.servers.beginUpdate(azure.config.resourceGroup, instance.name, wanted, request),
  )
}

export async function startRestart(azure: Azure, instance: InstanceRef, options: ChangeOptions): Promise<Started> {
  const { state } = await requireVery(azure, instance, options)
  return state === 'Restarting' ? ADOPTED : restart(azure, instance.name, options)
}

export function restart(azure: Azure, name: string, options: ChangeOptions): Promise<Started> {
  return azure.start('Servers_Restart', options, (sdk, request) =>
    sdk.servers.beginRestart(azure.config.resourceGroup, name, request),
  )
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
    sdk.servers.beginUpdate(azure.config.resourceGroup, input.instance, { administratorLoginPassword: input.password }, request),
  )
}

function deleteServer(azure: Azure, name: string, options: ChangeOptions): Promise<Started> {
  return azure.start('Servers_Delete', options, (sdk, request) =>
    sdk.servers.beginDelete(azure.config.resourceGroup, name, request),
  )
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
  const removing: string[] = []
  for (const server of await allServers(azure, options)) {
    const { name = '', state } = server
    if (!isTemporaryOf(operation, name, tagsOf(server))) continue
    removing.push(name)
    if (state === 'Dropping') continue
    await deleteServer(azure, name, options).catch((error) => {
      // Gone meanwhile, or in a state from which it cannot go yet: whoever waits for the removal asks again.
      if (!(error instanceof Failure) || !['CLOUD_BUSY', 'INSTANCE_NOT_FOUND'].includes(error.code)) throw error
    })
  }
  return { done: removing.length === 0, removing }
}
