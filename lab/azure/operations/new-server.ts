/** What creating a server and making one out of another have in common. */
import { type Call, type Operation, takeHost } from '../cloud'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import { type AzureServer, type Job, type ServerShape, serverKey } from '../state'

export type WantedServer = ServerShape &
  Pick<AzureServer, 'name' | 'location' | 'login' | 'zone' | 'major' | 'engineVersion'> &
  Partial<Pick<AzureServer, 'configurations' | 'databases' | 'replicaOf'>>

/** Writes the server down and lets it be made in the background. */
export async function addServer(call: Call, wanted: WantedServer, job: Job): ReturnType<Operation> {
  const { cloud, path } = call
  const server: AzureServer = {
    configurations: {},
    databases: {},
    replicaOf: null,
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
    running: { ...wanted.configurations },
    backups: {},
    administrators: {},
    tasks: [],
  }
  cloud.state.servers[serverKey(wanted.name)] = server
  return promise(call, server, { kind: 'UpsertServerManagementOperationV2', resource: serverId(server), job })
}
