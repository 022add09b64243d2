/** Of which very instance a backup was taken, and how that was set up. Google tells an instance's name, which may be used again, and of one that was
 *  deleted when that was: by this its backups are told from others' ("Manage backups of a deleted instance"). When it was made, which our ids have, is
 *  written into the description of each backup that we take; so one of ours tells of which instance all are that went with it, whoever took them. */
import { unknownInstance } from '../owner'
import type { Backup, CloudSqlConfig, Instance } from './client'
import { idOf, instanceIdOf, instantOf } from './describe'
import { readDescription } from './labels'

export interface BackupSource {
  /** An `unknownInstance` where nothing tells it. */
  readonly instanceId: string
  /** As Google keeps it with the backup, or as today's instance is; null: it is not told. Of one that is gone, in the region of the adapter. */
  readonly setup: Instance | null
  /** Of an instance that is not there any more. */
  readonly gone: boolean
}

/** `all`: every backup of an instance of one name. `present`: the instance that bears it today. */
export function sourcesOf(
  all: readonly Backup[],
  present: Instance | null,
  config: Pick<CloudSqlConfig, 'project' | 'region'>,
): (backup: Backup) => BackupSource {
  // when they were made, by when they were deleted
  const words = new Map<string, Set<string>>()
  for (const backup of all.filter((one) => !isOf(one, present))) {
    const [deletedAt, createdAt] = [instantOf(backup.instanceDeletionTime), ownWord(backup)]
    if (deletedAt !== null && createdAt !== null) words.set(deletedAt, (words.get(deletedAt) ?? new Set()).add(createdAt))
  }
  return (backup) => {
    const kept = backup.instanceSettings ?? null
    if (isOf(backup, present)) return { instanceId: instanceIdOf(present), setup: kept ?? present, gone: false }
    const name = backup.instance ?? ''
    const createdAt = createdAtOf(backup, words.get(instantOf(backup.instanceDeletionTime) ?? ''))
    const of = { project: config.project, region: kept?.region || config.region, name }
    const instanceId = createdAt === null ? unknownInstance(name) : idOf({ ...of, createdAt })
    return { instanceId, setup: kept && setupFor(backup, kept, config.region), gone: true }
  }
}

/** Whoever looks after copies looks in one region. Its version is that of its data, whatever the instance became later. */
function setupFor({ databaseVersion, kmsKey }: Backup, kept: Instance, region: string): Instance {
  const diskEncryptionConfiguration = kept.diskEncryptionConfiguration ?? (kmsKey ? { kmsKeyName: kmsKey } : null)
  return { ...kept, region, diskEncryptionConfiguration, ...(databaseVersion && { databaseVersion }) }
}

/** A backup names its instance only. One that was taken before the instance of today was made is of another. */
function isOf({ instanceDeletionTime, backupInterval }: Backup, present: Instance | null): present is Instance {
  if (present === null || instanceDeletionTime) return false
  const startedAt = instantOf(backupInterval?.startTime)
  const createdAt = instantOf(present.createTime)
  return startedAt === null || createdAt === null || startedAt >= createdAt
}

/** `words`: of all that went with its instance. Descriptions can be changed by anybody: where two of them disagree none is believed. */
function createdAtOf(backup: Backup, words: ReadonlySet<string> | undefined): string | null {
  if (words === undefined) return ownWord(backup)
  const [one = null, another] = words
  return another === undefined && isPossible(backup, one) ? one : null
}

function ownWord(backup: Backup): string | null {
  // Google does not say whether the settings that it keeps have it
  const createdAt =
    instantOf(backup.instanceSettings?.createTime) ?? readDescription(backup.description)?.instanceCreatedAt ?? null
  return isPossible(backup, createdAt) ? createdAt : null
}

/** Nothing is backed up before it is there. */
function isPossible({ backupInterval }: Backup, createdAt: string | null): boolean {
  const startedAt = instantOf(backupInterval?.startTime)
  return createdAt !== null && (startedAt === null || createdAt <= startedAt)
}
