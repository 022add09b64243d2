/** A server and its read replica exchange their roles, or the one is failed over from (`Forced`), and the virtual endpoint goes along. Of what the API accepted it keeps a record for some time, and none
 *  that can be found without its address: an exchange whose answer got lost is told by the roles alone. Source: "Read replicas: promote", and the example
 *  PromoteReplicaAsPlannedSwitchover of the API's description. */
import type { Server } from '@azure/arm-postgresql-flexible'
import { failure } from '../../contracts/failures'
import { unlessPromoted } from '../owner'
import type { CallOptions, ChangeOptions, Exchangeable, Exchanging, Started } from '../port'
import type { Azure } from './client'
import { isReplica, serverDescription } from './describe'
import { ADOPTED, findServer, requireVery } from './servers'

interface Pair {
  /** Null: it is given up, and gone. */
  readonly source: Server | null
  readonly replica: Server
}

export async function exchangeObstacles(azure: Azure, input: Exchanging, options: CallOptions): Promise<Exchangeable> {
  const { name } = input.replica
  const group = azure.groupOf(name)
  return {
    obstacles: await standing(azure, { ...(await pairOf(azure, input, options)), names: input }, options),
    mark: '',
    byHand: [
      `az postgres flexible-server replica promote --resource-group ${group} --name ${name} --promote-mode switchover --promote-option ${optionOf(input).toLowerCase()}`,
    ],
  }
}

const optionOf = ({ losing }: Exchanging): 'Planned' | 'Forced' => (losing ? 'Forced' : 'Planned')

export async function startExchange(azure: Azure, input: Exchanging, options: ChangeOptions): Promise<Started> {
  const pair = await pairOf(azure, input, options)
  if (hasExchanged(pair, input)) return ADOPTED
  const { name } = input.replica
  const { state } = pair.replica
  if (state === 'Updating') {
    // perhaps the very exchange, of an attempt whose answer got lost: its end is waited for
    throw failure('CLOUD_BUSY', `Server ${name} is being changed, and nobody can say whether that is the exchange.`, { name })
  }
  const [obstacle] = await standing(azure, { ...pair, names: input }, options)
  if (obstacle !== undefined) throw failure('CLOUD_REFUSED', obstacle, { instance: name })
  const replica = { role: 'Primary', promoteMode: 'Switchover', promoteOption: optionOf(input) }
  const start = (): Promise<Started> =>
    azure.start('Servers_Update', options, (sdk, request) =>
      sdk.servers.beginUpdate(azure.groupOf(name), name, { replica }, request),
    )
  return unlessPromoted(start, async () => !hasExchanged(await pairOf(azure, input, options), input))
}

async function pairOf(azure: Azure, { source, replica, losing }: Exchanging, options: CallOptions): Promise<Pair> {
  const isGone = losing === true && (await findServer(azure, source.name, options)) === null
  return {
    source: isGone ? null : await requireVery(azure, source, options),
    replica: await requireVery(azure, replica, options),
  }
}

function hasExchanged({ source, replica }: Pair, { losing }: Exchanging): boolean {
  return !isReplica(replica) && (losing === true || (source !== null && primaryOf(source) === replica.name))
}

function primaryOf(server: Server): string | null {
  return serverDescription(server).replicaOf
}

async function standing(
  azure: Azure,
  { source, replica, names }: Pair & { readonly names: Exchanging },
  options: CallOptions,
): Promise<string[]> {
  const [from, to] = [names.source.name, names.replica.name]
  if (primaryOf(replica) !== from) {
    const now = primaryOf(replica) === null ? 'follows nobody' : `follows ${primaryOf(replica)}`
    return [`Server ${to} is no read replica of ${from}: it ${now}. Correct \`replicas\` in the fleet file, or make it one.`]
  }
  // the endpoint is the source's, and whoever is gone has no size
  if (source === null) return []
  const members = await membersOf(azure, from, options)
  const unlike = source.sku?.name !== replica.sku?.name || source.storage?.storageSizeGB !== replica.storage?.storageSizeGB
  return [
    ...(members.some((member) => member.toLowerCase() === to.toLowerCase())
      ? []
      : [
          `Server ${to} is no member of a virtual endpoint of ${from}, which Azure wants for an exchange: make one with it (az postgres flexible-server virtual-endpoint create).`,
        ]),
    ...(unlike
      ? [`Size and storage of ${to} are not those of ${from}, which Azure wants for an exchange: make them alike.`]
      : []),
  ]
}

async function membersOf(azure: Azure, server: string, options: CallOptions): Promise<string[]> {
  return azure.ask('VirtualEndpoints_ListByServer', options, async (sdk, request) => {
    const found: string[] = []
    for await (const { members = [] } of sdk.virtualEndpoints.listByServer(azure.groupOf(server), server, request))
      found.push(...members.map((member) => member.split('/').at(-1) ?? member))
    return found
  })
}
