/** Databases_Get: what PostgreSQL has, whoever made it. */
import { asked, childNotFound, findServer, type Operation } from '../cloud'
import { databaseNamed, describe } from '../databases'

export const getDatabase: Operation = async (call) => {
  const server = findServer(call)
  const name = call.path.child ?? ''
  const found = await asked(call, server, (client) => databaseNamed(client, name))
  if (!found) throw childNotFound(server, 'databases', name)
  return { status: 200, body: describe(server, found) }
}
