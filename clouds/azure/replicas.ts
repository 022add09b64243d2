/** Read replicas of flexible servers: a server made in a mode of its own, and then its firewall rules, which it does not get from its source. */
import type { Server } from '@azure/arm-postgresql-flexible'
import { assertMine, ownerTags, unlessPromoted } from '../owner'
import type { ChangeOptions, CopyRequest, ManagedPostgres, Started } from '../port'
import type { Azure } from './client'
import { again, assertComing, assertNotFailed } from './copies'
import { isReplica } from './describe'
import { alignFirewall } from './firewall'
import { ADOPTED, findServer, requireServer, requireVery, skuOf, tagsOf } from './servers'
import { underWay } from './under-way'

export async function startReplica(azure: Azure, input: CopyRequest, options: ChangeOptions): Promise<Started> {
  const { instance, networkRules: networks } = input
  const existing = await findServer(azure, instance, options)
  if (existing === null) {
    await assertNotFailed(azure, instance, options)
    underWay(azure, instance, await create(azure, input, options))
    throw again(`Replica ${instance} is being made.`)
  }
  assertMine(`Server ${instance}`, tagsOf(existing), input.owner)
  assertComing(existing)
  if (!(await alignFirewall(azure, { server: instance, networks }, options))) {
    throw again(`The firewall rules of replica ${instance} are being set.`)
  }
  return ADOPTED
}

async function create(azure: Azure, input: CopyRequest, options: ChangeOptions): Promise<Started> {
  const source = await requireServer(azure, input.source, options)
  const sku = input.instanceClass === null ? source.sku : skuOf(input.instanceClass)
  const server: Server = {
    location: source.location,
    tags: ownerTags(input.owner),
    createMode: 'Replica',
    sourceServerResourceId: source.id ?? '',
    ...(sku && { sku }),
    ...(source.network?.delegatedSubnetResourceId === undefined ? {} : { network: source.network }),
  }
  return azure.start('Servers_CreateOrUpdate', options, (sdk, request) =>
    sdk.servers.beginCreateOrUpdate(azure.groupOf(input.instance), input.instance, server, request),
  )
}

/** Never a switchover: that exchanges the roles, and needs virtual endpoints. */
export async function startPromotion(
  azure: Azure,
  { instance, awaitSource }: Parameters<ManagedPostgres['startPromotion']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const server = await requireVery(azure, instance, options)
  if (!isReplica(server)) return ADOPTED
  const replica = { role: 'None', promoteMode: 'Standalone', promoteOption: awaitSource ? 'Planned' : 'Forced' }
  const promote = (): Promise<Started> =>
    azure.start('Servers_Update', options, (sdk, request) =>
      sdk.servers.beginUpdate(azure.groupOf(instance.name), instance.name, { replica }, request),
    )
  return unlessPromoted(promote, async () => isReplica(await requireVery(azure, instance, options)))
}
