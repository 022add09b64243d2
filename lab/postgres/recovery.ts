/** A new server from a base backup and an archive, as of a moment: every commit that was acknowledged before is in it, none of a
 *  later one is. It recovers closed to everybody, and is started again once it is a server of its own, so that nothing of the
 *  recovery is left in its settings. It goes on in a timeline of its own.
 *  PostgreSQL manual, "Recovering Using a Continuous Archive Backup". */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PostgresServerError } from '../../pgserver/failure'
import { createFile, readServerFile } from '../../pgserver/server-files'
import { serverUser } from '../../pgserver/server-user'
import type { Settings } from '../../pgserver/settings'
import { gapAfter, reachOf, restoreCommand } from './archive'
import type { Backup } from './backup'
import type { Places } from './places'
import type { RunningServers } from './running'
import { placeBefore } from './segments'
import type { ServerSpec } from './spec'

export interface RestorePoint {
  /** A snapshot, taken while the archive was being filled. */
  backup: string
  archive: string
  /** A moment in UTC, to the millisecond, or the archive's end. */
  target: string
  signal: AbortSignal
}

/** What an archive can be restored to. */
export interface Window {
  earliest: string
  /** Null when it is not known to reach further than its backups. */
  latest: string | null
}

/** The archive does not hold the moment that was asked for. */
export class NotRestorableError extends Error {
  override readonly name = 'NotRestorableError'

  constructor(
    message: string,
    readonly window: Window,
  ) {
    super(message)
  }
}

/** Long: there may be much log to read. Whoever has less patience aborts. */
const RECOVERY_TIMEOUT_MS = 30 * 60_000

/** Makes of a copied backup, in place, what `point` asks for; it does not run afterwards.
 *  @throws NotRestorableError */
export async function recoverTo(
  running: RunningServers,
  places: Places,
  spec: ServerSpec,
  { backup, archive, target, signal }: RestorePoint,
): Promise<void> {
  const window = windowOf(places, archive, [backup])
  if (target !== 'latest' && target < window.earliest) throw outside(target, window)
  if (target === 'latest') await checkWhole(places, archive, backup, window)
  try {
    await recover(running, places, spec, {
      signal,
      settings: {
        restore_command: restoreCommand(places, archive),
        // the one parameter that knows no name of a time zone, not even Z
        ...(target !== 'latest' && { recovery_target_time: target.replace('T', ' ').replace('Z', '+00') }),
      },
    })
    // removed meanwhile, it would have been read to its end early and without a word
    if (target === 'latest') await checkWhole(places, archive, backup, window)
  } catch (error) {
    if (error instanceof PostgresServerError && BEYOND.test(error.message)) throw outside(target, window)
    throw error
  }
}

/** Makes a server of its own of a copied replica: plain crash recovery does not know the end of such a backup. */
export async function recoverAlone(
  running: RunningServers,
  places: Places,
  spec: ServerSpec,
  signal: AbortSignal,
): Promise<void> {
  await recover(running, places, spec, { signal, settings: { restore_command: 'false' } })
}

/** Whether a copy is one of a replica. */
export function isOfReplica(dataDir: string): boolean {
  return /^BACKUP FROM: standby$/m.test(readServerFile(join(dataDir, 'backup_label'), serverUser()).toString('utf8'))
}

/** What can be restored to from these backups. @throws Error when there is none. */
export function windowOf(places: Places, archive: string, backups: readonly string[]): Window {
  const ends = backups.map((name) => backupNote(places, name).endedAt).sort()
  const [earliest] = ends
  if (earliest === undefined) throw new Error('Without a backup an archive cannot be restored from.')
  const latest = reachOf(places, archive)?.latest ?? null
  return { earliest, latest: latest !== null && latest >= earliest ? latest : null }
}

/** The first segment that recovery from one of these needs; undefined when there is none, or one that says nothing of itself, since it may
 *  just be being taken. */
export function firstNeeded(places: Places, backups: readonly string[]): string | undefined {
  if (!backups.every((name) => existsSync(noteFile(places, name)))) return undefined
  const segments = backups.map((name) => backupNote(places, name).firstSegment)
  return segments.reduce<string | undefined>((a, b) => (a === undefined || b.slice(8) < a.slice(8) ? b : a), undefined)
}

/** What a snapshot says of itself. */
export function backupNote(places: Places, backup: string): Backup {
  const file = noteFile(places, backup)
  if (!existsSync(file)) throw new Error(`The snapshot ${backup} says nothing of itself: it cannot be recovered to a moment.`)
  return JSON.parse(readFileSync(file, 'utf8')) as Backup
}

export function noteFile(places: Places, backup: string): string {
  return join(places.snapshot(backup), 'backup.json')
}

const BEYOND =
  /recovery ended before configured recovery target was reached|requested recovery stop point is before consistent recovery point/

async function recover(
  running: RunningServers,
  places: Places,
  spec: ServerSpec,
  how: { signal: AbortSignal; settings: Settings },
): Promise<void> {
  createFile(join(places.data(spec.folder), 'recovery.signal'), '', serverUser())
  await running.runClosed(spec, {
    signal: how.signal,
    readyTimeoutMs: RECOVERY_TIMEOUT_MS,
    settings: {
      // no sessions before it is what it shall be; and no demands on settings, which those of a readable replica would be
      hot_standby: 'off',
      recovery_target_action: 'promote',
      recovery_target_timeline: 'latest',
      ...how.settings,
    },
  })
}

/** With a moment as its target PostgreSQL notices what is missing; towards the end it would stop at it without a word. */
async function checkWhole(places: Places, archive: string, backup: string, window: Window): Promise<void> {
  const { firstSegment, endLsn, segmentBytes } = backupNote(places, backup)
  const last = firstSegment.slice(0, 8) + placeBefore(endLsn, segmentBytes)
  const gap = await gapAfter(places, archive, last, segmentBytes)
  if (gap !== undefined) throw new NotRestorableError(`The archive lacks the log segment ${gap}.`, window)
}

function outside(target: string, { earliest, latest }: Window): NotRestorableError {
  const reach = latest === null ? 'and is not known to reach further' : `to ${latest}`
  return new NotRestorableError(`The archive does not hold ${target}: it reaches from ${earliest} ${reach}.`, {
    earliest,
    latest,
  })
}
