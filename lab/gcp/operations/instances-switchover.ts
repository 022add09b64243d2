/** instances.switchover: the designated replica and its primary exchange their roles, and no commit is lost. */
import { findInstance, type Operation, promise, requireIdle, requireRunning } from '../cloud'
import { invalid } from '../errors'
import { operationView } from '../views'
import { requireDrReplica } from './dr-replica'
import { requireReplica } from './instances-promote-replica'

const TIMEOUT_S = 600
const TIMEOUT_MAX_S = 86_400

export const switchOver: Operation = async (call) => {
  const instance = findInstance(call)
  const primary = requireReplica(call, instance)
  requireDrReplica(instance, primary)
  const given = call.fields.dbTimeout
  const seconds = given === undefined ? TIMEOUT_S : Number(String(given).slice(0, -1))
  if (!(seconds > 0 && seconds <= TIMEOUT_MAX_S)) throw invalid(`The database timeout must be within ${TIMEOUT_MAX_S} seconds`)
  requireIdle(call, instance)
  requireIdle(call, primary)
  requireRunning(call, instance)
  requireRunning(call, primary)
  const task = { kind: 'switch-over', from: primary.name, timeoutMs: seconds * 1_000 } as const
  return operationView(await promise(call, instance, { type: 'SWITCHOVER', locks: [primary.name] }, task), call.prefix)
}
