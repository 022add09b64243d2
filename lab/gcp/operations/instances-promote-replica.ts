/** instances.promoteReplica: a replica becomes an instance of its own. With `failover` the one that was designated takes over, and its primary
 *  becomes its replica as soon as it is there again. */
import { type Call, findInstance, type Operation, promise, requireIdle } from '../cloud'
import { GcpError } from '../errors'
import type { SqlInstance } from '../state'
import { operationView } from '../views'
import { requireDrReplica } from './dr-replica'

export const promoteReplica: Operation = async (call) => {
  const { fields, prefix } = call
  const instance = findInstance(call)
  const primary = requireReplica(call, instance)
  requireIdle(call, instance)
  if (instance.state !== 'RUNNABLE') throw new GcpError('invalidOperation', "The operation isn't valid for this instance.")
  const failover = fields.failover === true
  const promised = { type: 'PROMOTE_REPLICA', locks: failover ? [takenOver(call, instance, primary)] : [] }
  return operationView(await promise(call, instance, promised, { kind: 'promote', failover }), prefix)
}

/** The primary's name. @throws GcpError unless it can be taken over from. */
function takenOver(call: Call, instance: SqlInstance, primary: SqlInstance | undefined): string {
  requireDrReplica(instance, primary)
  requireIdle(call, primary)
  return primary.name
}

/** @returns whom it follows. @throws GcpError for what is no replica. */
export function requireReplica({ cloud }: Call, instance: SqlInstance): SqlInstance | undefined {
  if (instance.master !== null) return cloud.state.instances[instance.master]
  throw new GcpError(
    'errorReplicationMasterInvalidOperation',
    'The requested operation is not valid for a replication master instance.',
  )
}
