/** AdministratorsMicrosoftEntra_Delete. */
import { findServer, type Operation, requireState } from '../cloud'
import { promise } from '../promises'
import { serverId } from '../protocol/path'
import { own } from '../state'

export const deleteAdministrator: Operation = async (call) => {
  const server = findServer(call)
  const objectId = call.path.child?.toLowerCase() ?? ''
  if (!own(server.administrators, objectId)) return { status: 204 }
  requireState(call, server, 'Ready')
  return promise(call, server, {
    kind: 'DropServerAdministratorManagementOperation',
    resource: serverId(server, 'administrators', objectId),
    job: { kind: 'delete-administrator', objectId },
  })
}
