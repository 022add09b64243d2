/** Servers_Get. */
import { findServer, type Operation } from '../cloud'
import { serverView } from '../views'

export const getServer: Operation = async (call) => ({ status: 200, body: serverView(call.cloud, findServer(call)) })
