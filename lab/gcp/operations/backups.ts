/** Backups.CreateBackup, GetBackup, ListBackups, UpdateBackup and DeleteBackup: backups as the project's own, which outlive their instance. */
import { type Call, findInstance, newOperation, type Operation, textOf } from '../cloud'
import { invalid, missing } from '../errors'
import { parseFilter } from '../filter'
import { expiryOf } from '../new-backup'
import { endOperation, noteFailure } from '../operation-life'
import { pageOf } from '../paging'
import type { Json } from '../protocol/json'
import type { BackupRecord } from '../state'
import { backupView, operationView } from '../views'
import { backUp } from './backup-runs'
import { findBackup } from './find-backup'
import { removeBackup } from './remove-backup'

export const createBackup: Operation = async (call) => {
  const { body, prefix } = call
  const name = textOf(body.instance)
  if (name === undefined) throw missing('backup.instance')
  const instance = findInstance(call, name.split('/').at(-1))
  const location = textOf(body.location)
  const operation = await backUp(call, instance, {
    description: textOf(body.description) ?? '',
    expiresAt: expiryOf(body.ttlDays, body.expiryTime),
    ...(location !== undefined && { location }),
  })
  return operationView(operation, prefix)
}

export const getBackup: Operation = async (call) => {
  return backupView(call.cloud, findBackup(call, textOf(call.fields.name) ?? ''), call.prefix)
}

/** Newest first, those that a filter lets through. */
export const listBackups: Operation = async ({ cloud, fields, prefix }) => {
  const passes = parseFilter(textOf(fields.filter))
  const newestFirst = ({ runId }: BackupRecord): string => String(Number.MAX_SAFE_INTEGER - Number(runId)).padStart(20, '0')
  const found = Object.values(cloud.state.backups).filter((backup) => passes(backupView(cloud, backup, prefix) as Json))
  const { items, nextPageToken } = pageOf(fields, found, newestFirst, 'pageSize')
  return { backups: items.map((backup) => backupView(cloud, backup, prefix)) as Json[], nextPageToken }
}

/** Its description, and until when it is kept. */
export const updateBackup: Operation = async (call) => {
  const { cloud, body, fields, prefix } = call
  const backup = findBackup(call, textOf(fields['backup.name']) ?? '')
  const mask = textOf(fields.updateMask)?.split(',') ?? Object.keys(body).filter((name) => name !== 'name')
  const unknown = mask.find((name) => !MUTABLE.has(name))
  if (unknown !== undefined) throw invalid(`The field ${unknown.slice(0, 100)} of a backup cannot be changed`)
  const changes = changesOf(
    call,
    mask.map((name) => MUTABLE.get(name) ?? name),
  )
  if (backup.tasks.length > 0) throw invalid('The backup is being deleted')
  const operation = newOperation(cloud, { type: 'UPDATE_BACKUP', instance: backup.instance, backup })
  if (call.faults.doom()) noteFailure(cloud, operation.name, 'An internal error has occurred.')
  else Object.assign(backup, changes)
  endOperation(cloud, operation.name)
  await cloud.save()
  return operationView(operation, prefix)
}

const MUTABLE = new Map([
  ['description', 'description'],
  ['ttl_days', 'ttlDays'],
  ['ttlDays', 'ttlDays'],
  ['expiry_time', 'expiryTime'],
  ['expiryTime', 'expiryTime'],
])

function changesOf({ body }: Call, mask: readonly string[]): Partial<BackupRecord> {
  const { description, ttlDays, expiryTime } = body
  return {
    ...(mask.includes('description') && { description: textOf(description) ?? '' }),
    ...((mask.includes('ttlDays') || mask.includes('expiryTime')) && {
      expiresAt: expiryOf(ttlDays ?? undefined, expiryTime ?? undefined),
    }),
  }
}

export const deleteBackup: Operation = async (call) => {
  const backup = findBackup(call, textOf(call.fields.name) ?? '')
  return operationView(await removeBackup(call, backup), call.prefix)
}
