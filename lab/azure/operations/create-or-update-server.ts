/** Servers_CreateOrUpdate: a new server, made in the background; a server that is there becomes what the body says. */
import { scramVerifier } from '../../postgres/verifier'
import { type Call, type Operation, parseVersion, serverAt, takeHost } from '../cloud'
import { AzureError, invalidParameter } from '../errors'
import { type Location, parseLocation } from '../locations'
import { parseLogin, parsePassword, parseServerName } from '../names'
import { addOperation, endOperation, promise } from '../promises'
import { serverId } from '../protocol/path'
import { defaultShape, parseShape, parseWantedSku, parseZone } from '../shape'
import { type AzureServer, type Job, type ServerShape, serverKey } from '../state'
import { acceptedView } from '../views'
import { changeServer } from './change-server'

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
  if (mode !== 'Default' && mode !== 'Create') throw invalidParameter('createMode', 'This lab has Default and Create.')
  const dropping = refusedAsDropping(call, name, location)
  return dropping ?? create(call, name, location)
}

function requireSame(server: AzureServer, location: Location, mode: (typeof MODES)[number]): void {
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
  if (cloud.state.servers[serverKey(name)]) throw nameTaken()
}

function nameTaken(): AzureError {
  return new AzureError('ServerNameAlreadyExists', 'Specified server name is already used.')
}

/** Just after a server was deleted, its name is accepted and then refused: azurerm #16622. */
function refusedAsDropping(call: Call, name: string, location: Location): Awaited<ReturnType<Operation>> | undefined {
  const { state } = call.cloud
  const until = state.dropping[serverKey(name)]
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

function create(call: Call, name: string, location: Location): ReturnType<Operation> {
  const { body } = call
  const sku = parseWantedSku(body)
  const shape = { ...defaultShape(sku), ...parseShape(body, defaultShape(sku), true) }
  const version = parseVersion(call.cloud, body.text('properties.version'))
  const login = parseLogin(body.text('properties.administratorLogin'))
  const password = parsePassword(body.text('properties.administratorLoginPassword'), login)
  const zone = parseZone(body) ?? '1'
  return addServer(
    call,
    { ...version, ...shape, name, location, login, zone },
    { kind: 'create', verifier: scramVerifier(password) },
  )
}

type Wanted = ServerShape & Pick<AzureServer, 'name' | 'location' | 'login' | 'zone' | 'major' | 'engineVersion'>

/** Writes the server down and lets it be made in the background. */
async function addServer(call: Call, wanted: Wanted, job: Job): ReturnType<Operation> {
  const { cloud, path } = call
  const server: AzureServer = {
    ...wanted,
    subscription: path.subscription ?? '',
    resourceGroup: path.resourceGroup ?? '',
    state: 'Provisioning',
    folder: '',
    archive: '',
    host: takeHost(cloud),
    createdAt: null,
    readyAt: null,
    busyUntil: null,
    firewallRules: {},
    databases: {},
    configurations: {},
    running: {},
    backups: {},
    administrators: {},
    tasks: [],
  }
  cloud.state.servers[serverKey(wanted.name)] = server
  return promise(call, server, { kind: 'UpsertServerManagementOperationV2', resource: serverId(server), job })
}

function resourceOf({ path }: Call, name: string): string {
  return serverId({ subscription: path.subscription ?? '', resourceGroup: path.resourceGroup ?? '', name })
}
