/** Databases_Delete: never one of the cloud's own. */
import { asked, findServer, type Operation, requireState } from '../cloud'
import { databaseNamed, isOwnDatabase } from '../databases'
import { AzureError } from '../errors'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import { requireWriter } from '../replication'

export const deleteDatabase: Operation = async (call) => {
  const server = findServer(call)
  const name = call.path.child ?? ''
  if (isOwnDatabase(name)) throw new AzureError('OperationNotAllowed', `The system database '${name}' cannot be deleted.`)
  requireWriter(server)
  requireState(call, server, 'Ready')
  if (!(await asked(call, server, (client) => databaseNamed(client, name)))) return { status: 204 }
  // while PostgreSQL was asked, somebody else may have come
  requireState(call, server, 'Ready')
  return promise(call, server, {
    kind: 'DropServerDatabaseManagementOperation',
    resource: serverId(server, 'databases', name),
    job: { kind: 'delete-database', name },
  })
}
