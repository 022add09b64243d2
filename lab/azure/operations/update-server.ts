/** Servers_Update: sizes, storage that only grows, backups, tags, password, maintenance window and network. Another size restarts it. */
import { findServer, type Operation } from '../cloud'
import { changeServer } from './change-server'

export const updateServer: Operation = async (call) => changeServer(call, findServer(call), { replacesTags: false })
