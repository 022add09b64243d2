/** Archives of the write-ahead log, filled by PostgreSQL's own `archive_command`. A segment is in its archive as a whole or not at
 *  all, on disk when PostgreSQL hears so; the same segment again is no error, another one under its name is refused.
 *
 *  How far an archive reaches is known by marks: `archiveUpToNow` reads the server's clock, commits a transaction of its own
 *  after that, ends the segment and waits until it lies in the archive. Recovery to the time read always finds that later commit to
 *  stop before. So `latest` is the clock of the server, in whole milliseconds, at the last such call that ended well. The log may reach
 *  further by itself: that is what a restore to 'latest' uses. */
import { spawnSync } from 'node:child_process'
import { chmodSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { ensureEnterable, makeServerFolder } from '../../pgserver/reach'
import { serverUser } from '../../pgserver/server-user'
import type { Settings } from '../../pgserver/settings'
import type { Places } from './places'
import { placeAfter, SEGMENT } from './segments'
import type { ServerSpec } from './spec'

/** What has a segment's place in its name: the segment, the last part of a timeline that was left, the note of a backup, and
 *  whatever a crash left half-made of these. */
const PLACED = /^[0-9A-F]{8}([0-9A-F]{16})(\.partial|\.[0-9A-F]{8}\.backup)?(\.next\.\d+)?$/
const POLL_MS = 20
/** With more transactions than that at once nobody asks whether anything was written. */
const UNDER_WAY_MAX = 1_000

/** Linking fails where renaming would replace: of two that archive the same segment, one finds the other's, which may have died before its
 *  name was on disk. What cannot be brought there is not archived: `sync` of everything, which never fails, only where it knows no files. */
const archiverScript = (syncsFiles: boolean): string => `# usage: archive-segment.sh SEGMENT ARCHIVE NAME
set -eu
umask 077
folder=$2
target=$2/$3
bring() {
  ${syncsFiles ? 'sync -- "$1"' : 'sync'}
}
same() {
  if cmp -s -- "$1" "$target"; then
    bring "$folder" || exit 1
    exit 0
  fi
  echo "$target is there already, and is another one: it is kept" >&2
  exit 1
}
[ ! -e "$target" ] || same "$1"
next=$target.next.$$
trap 'rm -f -- "$next"' EXIT
cp -- "$1" "$next"
bring "$next"
ln -- "$next" "$target" 2>/dev/null || same "$1"
bring "$folder"
`

/** Puts the archiver where servers find it. Readable by everybody: it holds no secret. */
export function installArchiver({ archiver }: Places): void {
  const next = `${archiver}.next`
  // by itself it is a file to try it with
  writeDurably(next, archiverScript(true))
  if (!syncsFiles(next)) writeDurably(next, archiverScript(false))
  chmodSync(next, 0o644)
  renameSync(next, archiver)
}

/** Whether this machine's `sync` takes files. */
function syncsFiles(file: string): boolean {
  return spawnSync('sync', ['--', file], { stdio: 'ignore' }).status === 0
}

/** What a server needs to archive its log there. Makes the archive. */
export function archiveSettings(places: Places, archive: string): Settings {
  ensureEnterable(places.archive(archive), serverUser())
  makeServerFolder(places.archived(archive), serverUser())
  const [program, folder] = [places.archiver, places.archived(archive)].map(commandWord)
  return { archive_mode: 'on', archive_command: `sh ${program} "%p" ${folder} "%f"` }
}

/** A new server's log begins with names that another one's has too: in one archive the second would be refused for ever.
 *  @throws Error when the archive of the spec has something in it. */
export async function requireNew(places: Places, { archive }: Pick<ServerSpec, 'archive'>): Promise<void> {
  if (archive === undefined || !existsSync(places.archived(archive))) return
  const found = await readdir(places.archived(archive))
  if (found.length > 0) throw new Error(`The archive ${archive} holds the log of another server already.`)
}

/** What a server needs to read the log from there. */
export function restoreCommand(places: Places, archive: string): string {
  return `cp ${commandWord(places.archived(archive))}/"%f" "%p"`
}

/** One word of the shell, whatever is in it, with what PostgreSQL would replace doubled. */
function commandWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`).replaceAll('%', '%%')}'`
}

/** Up to when an archive reaches, and what had been committed by then. */
export interface Reach {
  latest: string
  /** Of which server, and its snapshot of transactions right after; absent when others committed in between. */
  server?: string
  snapshot?: string
}

/** Ends the current segment after a commit of our own, and says which one that was and what the clock said before. */
export async function endSegment(client: Client): Promise<{ at: string; segment: string; snapshot?: string }> {
  const { rows } = await client.query<{ at: Date; archiving: string; snapshot: string }>(
    `SELECT date_trunc('milliseconds', clock_timestamp()) AS at, current_setting('archive_mode') AS archiving,
       pg_current_snapshot()::text AS snapshot`,
  )
  const { at, archiving, snapshot: before } = only(rows)
  if (archiving === 'off') throw new Error('The server does not archive its log yet: it begins to at its next start.')
  // a transaction with a number leaves a commit in the log, although it did nothing
  const own = only((await client.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id')).rows).id
  const snapshot = await snapshotOf(client)
  // the byte before the end: on a segment's border, 15 and 17 name different segments
  const switched = await client.query<{ segment: string }>('SELECT pg_walfile_name(pg_switch_wal() - 1::numeric) AS segment')
  return { at: at.toISOString(), segment: only(switched.rows).segment, ...(snapshot === afterOnly(own, before) && { snapshot }) }
}

/** It changes with every commit that wrote something, and with nothing else. */
export async function snapshotOf(client: Client): Promise<string> {
  return only((await client.query<{ snapshot: string }>('SELECT pg_current_snapshot()::text AS snapshot')).rows).snapshot
}

/** What a snapshot, 'xmin:xmax:those under way', becomes when of all transactions only `own` has ended after it. Those that were
 *  under way and began after the last that had ended are listed only once a later one has. */
function afterOnly(own: string, snapshot: string): string {
  const [, xmax = '', listed = ''] = snapshot.split(':')
  const [end, underWay] = [BigInt(own), listed === '' ? [] : listed.split(',')]
  for (let id = BigInt(xmax); id < end && underWay.length < UNDER_WAY_MAX; id++) underWay.push(String(id))
  return [underWay[0] ?? end + 1n, end + 1n, underWay.join(',')].join(':')
}

/** Resolves when the segment is archived. `check` throws when there is nothing to wait for any more. */
export async function untilArchived(
  places: Places,
  archive: string,
  segment: string,
  options: { signal: AbortSignal; check(): void },
): Promise<void> {
  // said by the server, and about to be a path
  if (!SEGMENT.test(segment)) throw new Error('PostgreSQL named a log segment that is none.')
  const file = join(places.archived(archive), segment)
  while (!existsSync(file)) {
    options.check()
    await sleep(POLL_MS, undefined, { signal: options.signal })
  }
}

/** Up to when the archive is known to reach; null when nobody ever asked it to. */
export function reachOf(places: Places, archive: string): Reach | null {
  const file = reachFile(places, archive)
  if (!existsSync(file)) return null
  return JSON.parse(readFileSync(file, 'utf8')) as Reach
}

export function noteReach(places: Places, archive: string, reach: Reach): void {
  // two that asked at once may end in any order
  const before = reachOf(places, archive)
  if (before !== null && before.latest >= reach.latest) return
  const file = reachFile(places, archive)
  writeDurably(`${file}.next`, JSON.stringify(reach))
  renameSync(`${file}.next`, file)
}

/** Deletes what lies before `firstSegment`, on every timeline. The histories of timelines stay. Nothing to do without an archive. */
export async function pruneBefore(places: Places, archive: string, firstSegment: string): Promise<void> {
  const folder = places.archived(archive)
  if (!existsSync(folder)) return
  const place = firstSegment.slice(8)
  for (const name of await readdir(folder)) {
    const found = PLACED.exec(name)?.[1]
    // the folder's own place is ours, and a name has no slash: nothing is followed
    if (found !== undefined && found < place) rmSync(join(folder, name), { force: true })
  }
}

/** The first place after `segment`'s that the archive lacks although it has a later one. A restore would silently end before it. */
export async function gapAfter(places: Places, archive: string, segment: string, bytes: number): Promise<string | undefined> {
  const found = (await readdir(places.archived(archive))).filter((name) => SEGMENT.test(name)).map((name) => name.slice(8))
  const have = new Set(found)
  const last = found.reduce((a, b) => (a > b ? a : b), '')
  for (let place = segment.slice(8); place <= last; place = placeAfter(place, bytes)) if (!have.has(place)) return place
  return undefined
}

function reachFile(places: Places, archive: string): string {
  return join(places.archive(archive), 'reach.json')
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  if (row === undefined) throw new Error('PostgreSQL answered without a row.')
  return row
}
