/** A physical copy of a running server by PostgreSQL's low-level backup interface, without stopping writes. It holds every
 *  commit that was acknowledged before it began, and the log up to its own end, so it recovers without an archive. A replica can
 *  be copied too: the copy holds what that had replayed. Never in it: replication slots, and that its server followed somebody.
 *  PostgreSQL manual, "Making a Base Backup Using the Low Level API". */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Client } from 'pg'
import { giveToServer, makeServerFolder } from '../../pgserver/reach'
import { createFile, readServerFile } from '../../pgserver/server-files'
import { serverUser } from '../../pgserver/server-user'
import { type CopyChoice, copyFolder, copyOne, syncFolder } from './copy'
import { removeData } from './remove'
import { placeBefore, SEGMENT } from './segments'

/** Folders whose content belongs to the running server, not to its data; the folders themselves must be there. */
const CONTENT_LEFT_OUT = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
])
const LEFT_OUT = new Set([
  'postmaster.pid',
  'postmaster.opts',
  'backup_label',
  'tablespace_map',
  'global/pg_control',
  'standby.signal',
  'recovery.signal',
])

const OBJECT_NOT_IN_PREREQUISITE_STATE = '55000'
const CONFIGURATION_LIMIT_EXCEEDED = '53400'

export interface Backup {
  /** Last log position that the copy needs to be consistent; it recovers to here. */
  endLsn: string
  /** When the backup began: every commit acknowledged before is in it. */
  startedAt: string
  /** When it ended: it cannot be recovered to a moment before this one. */
  endedAt: string
  /** The log that recovery begins with, and how long a segment of it is. */
  firstSegment: string
  segmentBytes: number
}

/** Copies `dataDir` to `target` (made anew), fsynced; nothing is left there when it fails. `client` is an administrator's connection, and stays usable. */
export async function backUp(client: Client, dataDir: string, target: string, signal: AbortSignal): Promise<Backup> {
  await removeData(target)
  await mkdir(dirname(target), { recursive: true })
  const slot = await holdLog(client)
  try {
    const started = await client.query<{ at: Date; bytes: string }>(
      `SELECT pg_backup_start('lab snapshot', true), clock_timestamp() AS at,
         pg_size_bytes(current_setting('wal_segment_size')) AS bytes`,
    )
    await copyFolder(dataDir, target, { choose, alive: true, signal })
    copyControlFile(dataDir, target)
    // rounded up: what is asked for is counted in milliseconds
    const stopped = await client.query<{ lsn: string; labelfile: string; at: Date }>(
      `SELECT lsn::text, labelfile, date_trunc('milliseconds', clock_timestamp()) + interval '1 millisecond' AS at
       FROM pg_backup_stop(false)`,
    )
    const [start, end] = [started.rows[0], stopped.rows[0]]
    if (!start || !end) throw new Error('PostgreSQL answered a backup call without a row.')
    const [firstSegment, segmentBytes] = [firstSegmentOf(end.labelfile), Number(start.bytes)]
    const lastSegment = firstSegment.slice(0, 8) + placeBefore(end.lsn, segmentBytes)
    await copyLog(client, { dataDir, target, first: firstSegment, last: lastSegment })
    createFile(join(target, 'backup_label'), end.labelfile, serverUser())
    giveToServer(target, serverUser())
    await syncFolder(target)
    return { endLsn: end.lsn, startedAt: start.at.toISOString(), endedAt: end.at.toISOString(), firstSegment, segmentBytes }
  } catch (error) {
    // a part of a copy is of no use to anybody
    await removeData(target).catch(() => {})
    throw error
  } finally {
    if (slot !== undefined) await client.query('SELECT pg_drop_replication_slot($1)', [slot]).catch(() => {})
  }
}

/** A slot keeps the log that is written during the copy from being recycled; temporary: it dies with this session. A customer
 *  may have forbidden slots or used them all up: then the log is only checked for being complete. */
async function holdLog(client: Client): Promise<string | undefined> {
  const slot = `lab_backup_${process.pid}_${Date.now()}`
  try {
    await client.query('SELECT pg_create_physical_replication_slot($1, true, true)', [slot])
    return slot
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === OBJECT_NOT_IN_PREREQUISITE_STATE || code === CONFIGURATION_LIMIT_EXCEEDED) return undefined
    throw error
  }
}

function choose(path: string): CopyChoice {
  if (CONTENT_LEFT_OUT.has(path)) return 'empty'
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (LEFT_OUT.has(path) || name.startsWith('pgsql_tmp') || name.startsWith('pg_internal.init')) return 'skip'
  return 'copy'
}

/** The server rewrites this one file in place: a read that meets a write gets a mixture. Two equal reads are no mixture. */
function copyControlFile(dataDir: string, target: string): void {
  const source = join(dataDir, 'global', 'pg_control')
  const user = serverUser()
  let last = readServerFile(source, user)
  for (;;) {
    const again = readServerFile(source, user)
    if (again.equals(last)) break
    last = again
  }
  createFile(join(target, 'global', 'pg_control'), last, user)
}

/** The server's own note says where the log must be read from. Asking it for names is refused by one that follows another. */
function firstSegmentOf(labelfile: string): string {
  const name = /^START WAL LOCATION: [0-9A-F/]+ \(file ([0-9A-F]{24})\)$/m.exec(labelfile)?.[1]
  if (name === undefined) throw new Error("The backup's label does not say where its log starts.")
  return name
}

/** The log segments from the backup's start to its end: names of one timeline sort in order. */
async function copyLog(client: Client, copy: { dataDir: string; target: string; first: string; last: string }): Promise<void> {
  const { dataDir, target, first, last } = copy
  const { rows } = await client.query<{ name: string }>(
    "SELECT name FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' AND name BETWEEN $1 AND $2 ORDER BY name",
    [first, last],
  )
  if (rows[0]?.name !== first || rows.at(-1)?.name !== last) {
    throw new Error(`The log from ${first} to ${last} is not complete any more.`)
  }
  makeServerFolder(join(target, 'pg_wal', 'archive_status'), serverUser())
  for (const { name } of rows) {
    // said by the server, and about to be a path
    if (!SEGMENT.test(name)) throw new Error('PostgreSQL named a log segment that is none.')
    if (!(await copyOne(join(dataDir, 'pg_wal', name), join(target, 'pg_wal', name)))) {
      throw new Error(`The log segment ${name} vanished during the backup.`)
    }
  }
}
