/** AdministratorsMicrosoftEntra_Get. */
import { childNotFound, findServer, type Operation } from '../cloud'
import { own } from '../state'
import { administratorView } from '../views'

export const getAdministrator: Operation = async (call) => {
  const server = findServer(call)
  const administrator = own(server.administrators, call.path.child?.toLowerCase() ?? '')
  if (!administrator) throw childNotFound(server, 'administrators', call.path.child ?? '')
  return { status: 200, body: administratorView(server, administrator) }
}
