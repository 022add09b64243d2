/** Servers_Get. */
import { findServer, type Operation } from '../cloud'
import { serverViewNow } from '../views-now'

export const getServer: Operation = async (call) => ({ status: 200, body: await serverViewNow(call.cloud, findServer(call)) })
