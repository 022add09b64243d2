/** instances.clone: another instance with its source's data and all of its settings, deletion protection among them; as of now, or as of a
 *  moment that the source can be recovered to. */
import { newFolderName } from '../../postgres/servers'
import { recoverableFrom } from '../cloning'
import { type Call, findInstance, type Operation, promise, requireIdle, requirePrimary, requireRunning, textOf } from '../cloud'
import { GcpError, invalid, missing } from '../errors'
import { messageOf } from '../merge'
import type { Json, Message } from '../protocol/json'
import type { SqlInstance } from '../state'
import { operationView } from '../views'
import { addInstance, newInstanceName, zoneOf } from './new-instance'

/** Would change what a clone is: refused rather than swallowed. */
const UNSUPPORTED = [
  'allocatedIpRange',
  'binLogCoordinates',
  'databaseNames',
  'destinationNetwork',
  'destinationProject',
  'preferredSecondaryZone',
  'sourceInstanceDeletionTime',
]

export const cloneInstance: Operation = async (call) => {
  const source = findInstance(call)
  const context = messageOf(call.body.cloneContext)
  const unsupported = UNSUPPORTED.find((field) => context[field] !== undefined)
  if (unsupported !== undefined) throw invalid(`This lab cannot clone with ${unsupported}`)
  const name = textOf(context.destinationInstanceName)
  if (name === undefined) throw missing('destinationInstanceName')
  newInstanceName(call, name)
  const at = momentOf(context)
  requirePrimary(source)
  requireIdle(call, source)
  if (source.state !== 'RUNNABLE') throw new GcpError('invalidOperation', "The operation isn't valid for this instance.")
  if (at === null) requireRunning(call, source)
  else checkRecoverable(call, source, at)
  const settings = structuredClone(source.settings)
  const zone = textOf(context.preferredZone)
  if (zone !== undefined) settings.locationPreference = { zone }
  zoneOf(settings, source.region)
  const { major, engineVersion, region } = source
  const instance = addInstance(call, { name, major, engineVersion, region, settings })
  const task = { kind: 'clone', source: source.name, at, snapshot: newFolderName() } as const
  return operationView(await promise(call, instance, { type: 'CREATE_CLONE', locks: [source.name] }, task), call.prefix)
}

/** Null for now. */
function momentOf({ pointInTime, pitrTimestampMs }: Message): string | null {
  if (pointInTime !== undefined && pitrTimestampMs !== undefined) {
    throw invalid('Only one of pointInTime and pitrTimestampMs can be set')
  }
  if (typeof pointInTime === 'string') return pointInTime
  return pitrTimestampMs === undefined ? null : timeOf(pitrTimestampMs)
}

function timeOf(ms: Json): string {
  const time = new Date(Number(ms))
  if (Number.isNaN(time.getTime())) throw invalid('Invalid pitrTimestampMs')
  return time.toISOString()
}

function checkRecoverable({ cloud }: Call, source: SqlInstance, at: string): void {
  const from = recoverableFrom(cloud.state, source)
  if (from === undefined) throw invalid('Point-in-time recovery is not enabled on the source instance')
  const now = new Date().toISOString()
  if (at < from || at > now) throw invalid(`The point in time ${at} is not within the recovery window: ${from} to ${now}`)
}
