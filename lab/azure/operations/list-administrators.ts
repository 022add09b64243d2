/** AdministratorsMicrosoftEntra_ListByServer. */
import { findServer, type Operation } from '../cloud'
import { administratorView } from '../views'

export const listAdministrators: Operation = async (call) => {
  const server = findServer(call)
  const all = Object.values(server.administrators)
  return { status: 200, body: { value: all.map((administrator) => administratorView(server, administrator)) } }
}
