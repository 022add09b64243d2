/** Databases_Create: one that is there already stays as it is. */
import { findParent, type Operation, requireState } from '../cloud'
import { DEFAULT_CHARSET, DEFAULT_COLLATION, parseCharset, parseCollation } from '../databases'
import { parseDatabaseName } from '../names'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import { requireWriter } from '../replication'

export const createDatabase: Operation = async (call) => {
  const { body, path } = call
  const server = findParent(call, 'databases')
  const name = parseDatabaseName(path.child ?? '')
  const charset = parseCharset(body.text('properties.charset') ?? body.text('charset') ?? DEFAULT_CHARSET)
  const collation = parseCollation(body.text('properties.collation') ?? body.text('collation') ?? DEFAULT_COLLATION)
  requireWriter(server)
  requireState(call, server, 'Ready')
  return promise(call, server, {
    kind: 'UpsertServerDatabaseManagementOperation',
    resource: serverId(server, 'databases', name),
    job: { kind: 'create-database', name, charset, collation },
  })
}
