/** Servers_Update: sizes, storage that only grows, backups, tags, password, maintenance window and network. Another size restarts it.
 *  With `replica` it promotes. */
import { findServer, type Operation } from '../cloud'
import { changeServer } from './change-server'
import { asksForPromotion, promoteReplica } from './promote-replica'

export const updateServer: Operation = async (call) => {
  const server = findServer(call)
  return asksForPromotion(call) ? promoteReplica(call, server) : changeServer(call, server, { replacesTags: false })
}
