/** instances.startReplica and stopReplica: a replica stops asking for its primary's log, which is kept for it, and asks again. It is a setting
 *  as well (`databaseReplicationEnabled`), by which gcloud says the same. */
import { type Call, findInstance, type Operation, promise, requireIdle, requireRunning } from '../cloud'
import type { Message } from '../protocol/json'
import { operationView } from '../views'
import { requireReplica } from './instances-promote-replica'

export const startReplica: Operation = (call) => replicate(call, true, 'START_REPLICA')

export const stopReplica: Operation = (call) => replicate(call, false, 'STOP_REPLICA')

async function replicate(call: Call, databaseReplicationEnabled: boolean, type: string): Promise<Message> {
  const instance = findInstance(call)
  requireReplica(call, instance)
  requireIdle(call, instance)
  requireRunning(call, instance)
  const settings = { ...structuredClone(instance.settings), databaseReplicationEnabled }
  const { drReplica } = instance
  return operationView(await promise(call, instance, { type }, { kind: 'update', settings, drReplica }), call.prefix)
}
