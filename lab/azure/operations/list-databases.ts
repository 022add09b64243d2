/** Databases_ListByServer: what PostgreSQL has, whoever made it. */
import { asked, findServer, type Operation } from '../cloud'
import { databasesIn, describe } from '../databases'

export const listDatabases: Operation = async (call) => {
  const server = findServer(call)
  const found = await asked(call, server, databasesIn)
  return { status: 200, body: { value: found.map((database) => describe(server, database)) } }
}
