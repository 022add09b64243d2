/** Backups as calls name them: as a run of an instance, or as a backup of the project. */
import { type Call, textOf } from '../cloud'
import { GcpError, invalid } from '../errors'
import { type BackupRecord, PROJECT } from '../state'

/** `instance`: '-' for any. @throws GcpError backupRunDoesNotExist. */
export function findRun({ cloud }: Call, instance: string, id: string): BackupRecord {
  const found = Object.values(cloud.state.backups).find(
    (backup) => backup.runId === id && (instance === '-' || backup.instance === instance),
  )
  if (!found) throw new GcpError('backupRunDoesNotExist', 'The Cloud SQL backup run does not exist.')
  return found
}

/** By its full name. @throws GcpError notFound, invalid, notAuthorized. */
export function findBackup({ cloud }: Call, name: string): BackupRecord {
  const found = /^projects\/([^/]+)\/backups\/([^/]+)$/.exec(name)
  if (!found) throw invalid(`Invalid backup name: ${name.slice(0, 200)}`)
  const [, project, uid = ''] = found
  if (project !== PROJECT) throw new GcpError('notAuthorized', 'The client is not authorized to make this request.')
  const { backups } = cloud.state
  const backup = Object.hasOwn(backups, uid) ? backups[uid] : undefined
  if (!backup) throw new GcpError('notFound', `The backup ${uid.slice(0, 100)} does not exist.`)
  return backup
}

/** The backup that a restore is to come from. @throws GcpError. */
export function backupToRestore(call: Call): BackupRecord {
  const { body, fields } = call
  const context = body.restoreBackupContext as { backupRunId?: string; instanceId?: string } | undefined
  const named = textOf(body.backup)
  if (named !== undefined && context !== undefined) throw invalid('Only one of backup and restoreBackupContext can be set')
  const runId = textOf(context?.backupRunId)
  if (named === undefined && runId === undefined) throw new GcpError('required', 'Missing parameter: backupRunId.')
  const instance = textOf(context?.instanceId) ?? textOf(fields.instance) ?? ''
  const backup = named === undefined ? findRun(call, instance, runId ?? '') : findBackup(call, named)
  if (backup.state !== 'SUCCESSFUL') {
    throw new GcpError('errorBackupNotFound', `The backup is not successful: it is ${backup.state}.`)
  }
  return backup
}
