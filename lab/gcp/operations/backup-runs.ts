/** backupRuns.insert, get, list and delete: backups as runs of their instance. */
import { type Call, findInstance, type Operation, promise, requireIdle, requirePrimary, requireRunning, textOf } from '../cloud'
import { GcpError } from '../errors'
import { addBackup } from '../new-backup'
import { pageOf } from '../paging'
import type { Json } from '../protocol/json'
import type { BackupRecord, OperationRecord, SqlInstance } from '../state'
import { backupRunView, operationView } from '../views'
import { findRun } from './find-backup'
import { removeBackup } from './remove-backup'

export const insertBackupRun: Operation = async (call) => {
  const { body, prefix } = call
  const instance = findInstance(call)
  const location = textOf(body.location)
  const operation = await backUp(call, instance, {
    description: textOf(body.description) ?? '',
    expiresAt: null,
    ...(location !== undefined && { location }),
  })
  return operationView(operation, prefix)
}

/** A backup that somebody asked for. @throws GcpError. */
export async function backUp(
  call: Call,
  instance: SqlInstance,
  given: Pick<BackupRecord, 'description' | 'expiresAt'> & { location?: string },
): Promise<OperationRecord> {
  requirePrimary(instance)
  requireIdle(call, instance)
  requireRunning(call, instance)
  const backup = addBackup(call.cloud, instance, { ...given, type: 'ON_DEMAND' })
  return await promise(call, instance, { type: 'BACKUP_VOLUME', backup }, { kind: 'back-up', backup: backup.uid })
}

export const getBackupRun: Operation = async (call) => {
  const backup = findRun(call, instanceOf(call), textOf(call.fields.id) ?? '')
  return backupRunView(backup, call.prefix)
}

/** Newest first; of one instance, or of all for '-'. */
export const listBackupRuns: Operation = async (call) => {
  const { cloud, fields, prefix } = call
  const instance = instanceOf(call)
  const backups = Object.values(cloud.state.backups).filter((backup) => instance === '-' || backup.instance === instance)
  const newestFirst = ({ runId }: BackupRecord): string => String(Number.MAX_SAFE_INTEGER - Number(runId)).padStart(20, '0')
  const { items, nextPageToken } = pageOf(fields, backups, newestFirst)
  return {
    kind: 'sql#backupRunsList',
    items: items.map((backup) => backupRunView(backup, prefix)) as Json[],
    nextPageToken,
  }
}

export const deleteBackupRun: Operation = async (call) => {
  const backup = findRun(call, instanceOf(call), textOf(call.fields.id) ?? '')
  return operationView(await removeBackup(call, backup), call.prefix)
}

/** One that was deleted may still have runs. @throws GcpError instanceDoesNotExist for one that nothing is known of. */
function instanceOf(call: Call): string {
  const name = textOf(call.fields.instance) ?? ''
  const { backups, instances } = call.cloud.state
  if (name === '-' || Object.hasOwn(instances, name)) return name
  if (Object.values(backups).some(({ instance }) => instance === name)) return name
  throw new GcpError('instanceDoesNotExist', 'The Cloud SQL instance does not exist.')
}
