/** Servers_CreateOrUpdate: a new server, made in the background; a server that is there becomes what the body says. */
import { scramVerifier } from '../../postgres/verifier'
import { type Call, findServer, type Operation, parseVersion, serverAt } from '../cloud'
import { AzureError, invalidParameter } from '../errors'
import { type Location, parseLocation } from '../locations'
import { parseLogin, parsePassword, parseServerName } from '../names'
import { addOperation, endOperation } from '../promises'
import { serverId } from '../protocol/path'
import { defaultShape, parseShape, parseWantedSku, parseZone } from '../shape'
import { type AzureServer, own, serverKey } from '../state'
import { acceptedView } from '../views'
import { changeServer } from './change-server'
import { addServer } from './new-server'
import { replicateServer } from './replicate-server'
import { restoreServer } from './restore-server'

const MODES = ['Default', 'Create', 'Update', 'PointInTimeRestore', 'GeoRestore', 'Replica', 'ReviveDropped'] as const

export const createOrUpdateServer: Operation = async (call) => {
  const { body, path } = call
  const location = parseLocation(body.text('location'))
  const name = parseServerName(path.server ?? '')
  const mode = body.choice('properties.createMode', MODES) ?? 'Default'
  const there = serverAt(call.cloud.state, path)
  if (there) {
    requireSame(there, location, mode)
    return changeServer(call, there, { replacesTags: true })
  }
  requireFree(call, name)
  const make = MAKE[mode]
  if (!make) throw mode === 'Update' ? notFound(call) : invalidParameter('createMode', `This lab has no ${mode}.`)
  return refusedAsDropping(call, name, location) ?? make(call, name, location)
}

type Mode = (typeof MODES)[number]

const MAKE: { readonly [Name in Mode]?: (call: Call, name: string, location: Location) => ReturnType<Operation> } = {
  Default: create,
  Create: create,
  PointInTimeRestore: restoreServer,
  GeoRestore: restoreServer,
  Replica: replicateServer,
}

function notFound(call: Call): unknown {
  try {
    return findServer(call)
  } catch (error) {
    return error
  }
}

function requireSame(server: AzureServer, location: Location, mode: Mode): void {
  if (server.location !== location) {
    throw new AzureError(
      'InvalidResourceLocation',
      `The resource '${server.name}' already exists in location '${server.location}' in resource group '${server.resourceGroup}'. A resource with the same name cannot be created in location '${location}'. Please select a new resource name.`,
    )
  }
  if (mode !== 'Default' && mode !== 'Create' && mode !== 'Update') throw nameTaken()
}

/** Names of servers are host names: nobody else may have it. */
function requireFree({ cloud }: Call, name: string): void {
  if (own(cloud.state.servers, serverKey(name))) throw nameTaken()
}

function nameTaken(): AzureError {
  return new AzureError('ServerNameAlreadyExists', 'Specified server name is already used.')
}

/** Just after a server was deleted, its name is accepted and then refused: azurerm #16622. */
function refusedAsDropping(call: Call, name: string, location: Location): Awaited<ReturnType<Operation>> | undefined {
  const { state } = call.cloud
  const until = own(state.dropping, serverKey(name))
  if (until === undefined || Date.parse(until) <= Date.now()) {
    delete state.dropping[serverKey(name)]
    return undefined
  }
  const operation = addOperation(
    call.cloud,
    { subscription: call.path.subscription ?? '', location },
    { kind: 'UpsertServerManagementOperationV2', resource: resourceOf(call, name) },
  )
  endOperation(
    state,
    operation.id,
    new AzureError('ServerGroupDropping', 'Operations on a server group in dropping state are not allowed.'),
  )
  void call.cloud.save()
  return { status: 202, body: acceptedView(operation), operation }
}

async function create(call: Call, name: string, location: Location): ReturnType<Operation> {
  const { body } = call
  const sku = parseWantedSku(body)
  const shape = { ...defaultShape(sku), ...parseShape(body, defaultShape(sku), true) }
  const version = parseVersion(call.cloud, body.text('properties.version'))
  const login = parseLogin(body.text('properties.administratorLogin'))
  const password = parsePassword(body.text('properties.administratorLoginPassword'), login)
  const wanted = { ...version, ...shape, name, location, login, zone: parseZone(body) ?? '1' }
  return addServer(call, wanted, { kind: 'create', verifier: scramVerifier(password) })
}

function resourceOf({ path }: Call, name: string): string {
  return serverId({ subscription: path.subscription ?? '', resourceGroup: path.resourceGroup ?? '', name })
}
