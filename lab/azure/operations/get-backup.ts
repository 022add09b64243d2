/** BackupsAutomaticAndOnDemand_Get: one that is complete. */
import { childNotFound, findServer, type Operation } from '../cloud'
import { own } from '../state'
import { backupView } from '../views'

export const getBackup: Operation = async (call) => {
  const server = findServer(call)
  const record = own(server.backups, call.path.child?.toLowerCase() ?? '')
  if (!record?.completedAt) throw childNotFound(server, 'backups', call.path.child ?? '')
  return { status: 200, body: backupView(server, record) }
}
