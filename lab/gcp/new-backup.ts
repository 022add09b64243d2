/** The record of a backup that is to be taken. */
import { randomUUID } from 'node:crypto'
import { newFolderName } from '../postgres/servers'
import type { GcpCloud } from './cloud'
import { invalid } from './errors'
import type { Json, Message } from './protocol/json'
import type { BackupRecord, SqlInstance } from './state'

const DAY_MS = 86_400_000
const DAYS_MAX = 365
const FINAL_DAYS = 30

export function addBackup(
  { state }: GcpCloud,
  instance: SqlInstance,
  given: Pick<BackupRecord, 'type' | 'description' | 'expiresAt'> & { location?: string },
): BackupRecord {
  const uid = randomUUID()
  const backup: BackupRecord = {
    uid,
    runId: newRunId(state.backups),
    instance: instance.name,
    instanceCreatedAt: instance.createdAt,
    type: given.type,
    state: 'ENQUEUED',
    folder: newFolderName(),
    description: given.description,
    location: given.location ?? multiRegionOf(instance.region),
    major: instance.major,
    engineVersion: instance.engineVersion,
    enqueuedAt: new Date().toISOString(),
    startedAt: null,
    endedAt: null,
    archive: null,
    recoverableFrom: null,
    expiresAt: given.expiresAt,
    settings: structuredClone(instance.settings),
    region: instance.region,
    error: null,
    instanceDeletedAt: null,
    tasks: [],
  }
  state.backups[uid] = backup
  return backup
}

/** The time in milliseconds, as in life; later when that is taken. */
function newRunId(backups: Readonly<Record<string, BackupRecord>>): string {
  const taken = new Set(Object.values(backups).map(({ runId }) => runId))
  let id = Date.now()
  while (taken.has(String(id))) id++
  return String(id)
}

/** Where backups go that name no place: the nearest of the multi-regions. */
function multiRegionOf(region: string): string {
  if (/^europe-/.test(region)) return 'eu'
  return /^(asia|australia)-/.test(region) ? 'asia' : 'us'
}

/** @throws GcpError invalid for both, or for one that is out of range. */
export function expiryOf(days: Json | undefined, time: Json | undefined): string | null {
  if (days !== undefined && time !== undefined) throw invalid('Only one of ttlDays and expiryTime can be set')
  if (typeof days === 'string') {
    if (Number(days) < 1 || Number(days) > DAYS_MAX) throw invalid(`The retention of a backup must be 1 to ${DAYS_MAX} days`)
    return new Date(Date.now() + Number(days) * DAY_MS).toISOString()
  }
  if (typeof time !== 'string') return null
  const left = Date.parse(time) - Date.now()
  if (left <= 0 || left > DAYS_MAX * DAY_MS) throw invalid(`The expiry time of a backup must be within ${DAYS_MAX} days from now`)
  return time
}

/** Of a last backup: 30 days unless told otherwise. */
export function finalExpiry({ finalBackupTtlDays, finalBackupExpiryTime }: Message, retentionDays = FINAL_DAYS): string | null {
  return expiryOf(finalBackupTtlDays, finalBackupExpiryTime) ?? new Date(Date.now() + retentionDays * DAY_MS).toISOString()
}
