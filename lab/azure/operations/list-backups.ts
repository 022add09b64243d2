/** BackupsAutomaticAndOnDemand_ListByServer: those that are complete. */
import { findServer, type Operation } from '../cloud'
import { backupView } from '../views'

export const listBackups: Operation = async (call) => {
  const server = findServer(call)
  const complete = Object.values(server.backups).filter(({ completedAt }) => completedAt !== null)
  return { status: 200, body: { value: complete.map((record) => backupView(server, record)) } }
}
