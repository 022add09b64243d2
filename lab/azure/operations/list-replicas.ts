/** Replicas_ListByServer. */
import { findServer, type Operation } from '../cloud'
import { replicasOf } from '../replication'
import { serverViewNow } from '../views-now'

export const listReplicas: Operation = async (call) => {
  const replicas = replicasOf(call.cloud.state, findServer(call))
  return { status: 200, body: { value: await Promise.all(replicas.map((replica) => serverViewNow(call.cloud, replica))) } }
}
