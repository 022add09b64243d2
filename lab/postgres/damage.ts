/** What can go wrong with backups and archives where they are stored, long before anybody needs them: a page that rotted, a file that was cut
 *  off, a part of the log that is gone. Nothing notices until somebody restores and looks. What is damaged stays damaged. */
import { existsSync, ftruncateSync, readSync, rmSync, writeSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from 'pg'
import { changeServerFile } from '../../pgserver/server-files'
import { serverUser } from '../../pgserver/server-user'
import type { Places } from './places'
import { SEGMENT } from './segments'

/** Of the largest there is: `page`: bytes in the middle of a table rot; `index`: in a leaf of a B-tree; `table`: its file is cut off at its beginning. */
export const PARTS = ['page', 'index', 'table'] as const
export type Part = (typeof PARTS)[number]

/** There is nothing to damage: what was ordered did not happen. */
export class NothingDamaged extends Error {
  override readonly name = 'NothingDamaged'
}

const PAGE_BYTES = 8192
const ROTTEN_BYTES = 64
/** Below it are the meta page and the first leaf; the root is behind it in every tree of more than one page. */
const LEAF_BLOCK = 2
/** Not a tablespace of its own: those are links. */
const FILE = /^base\/\d+\/\d+$/

/** Of a running server, over all of its customers' databases. */
interface Largest {
  /** Files, as `base/5/16384`. */
  readonly table: string | undefined
  readonly index: string | undefined
}

interface Candidate {
  readonly isIndex: boolean
  readonly bytes: number
  readonly file: string
}

const CANDIDATES = `
  SELECT c.relkind = 'i' AS "isIndex", pg_relation_size(c.oid)::float8 AS bytes, pg_relation_filepath(c.oid) AS file
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am a ON a.oid = c.relam
   WHERE (c.relkind = 'r' OR c.relkind = 'i' AND a.amname = 'btree') AND c.relpersistence = 'p'
     AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema') AND pg_relation_size(c.oid) > 0`

/** `ask` hands over a connection to a database. */
export async function largestOf(
  ask: <Result>(use: (client: Client) => Promise<Result>, database: string) => Promise<Result>,
): Promise<Largest> {
  const named = 'SELECT datname AS name FROM pg_database WHERE datallowconn AND NOT datistemplate'
  const databases = await ask((client) => client.query<{ name: string }>(named), 'postgres')
  const found: Candidate[] = []
  for (const { name } of databases.rows) found.push(...(await ask((client) => client.query<Candidate>(CANDIDATES), name)).rows)
  found.sort((a, b) => b.bytes - a.bytes)
  return {
    table: found.find(({ isIndex }) => !isIndex)?.file,
    index: found.find(({ isIndex }) => isIndex)?.file,
  }
}

/** In every one of these snapshots that has something of it. @throws NothingDamaged when none has. */
export function damageSnapshots(places: Places, snapshots: readonly string[], part: Part, { table, index }: Largest): void {
  const [file, what] = part === 'index' ? [index, 'B-tree'] : [table, 'table']
  if (file === undefined) throw new NothingDamaged(`It has no ${what} with rows.`)
  // said by the server, and about to be a path
  if (!FILE.test(file)) throw new NothingDamaged(`Its largest ${what} is in ${file}, where no damage is made.`)
  const held = snapshots.map((name) => join(places.snapshotData(name), file)).filter((path) => existsSync(path))
  let damaged = 0
  for (const path of held) {
    changeServerFile(path, serverUser(), (open, bytes) => {
      if (damageFile(open, bytes, part)) damaged += 1
    })
  }
  if (damaged === 0) throw new NothingDamaged(`No stored backup has its largest ${what}: it is younger than all of them.`)
}

/** False: there was nothing in it. */
function damageFile(file: number, bytes: number, part: Part): boolean {
  const blocks = Math.floor(bytes / PAGE_BYTES)
  if (blocks === 0) return false
  if (part === 'table') {
    ftruncateSync(file, 0)
    return true
  }
  const block = part === 'index' ? Math.min(LEAF_BLOCK, blocks - 1) : Math.floor(blocks / 2)
  // rows and index entries fill a page from its end
  const at = (block + 1) * PAGE_BYTES - 4 * ROTTEN_BYTES
  const rotten = Buffer.alloc(ROTTEN_BYTES)
  readSync(file, rotten, 0, ROTTEN_BYTES, at)
  writeSync(
    file,
    rotten.map((byte) => byte ^ 0xff),
    0,
    ROTTEN_BYTES,
    at,
  )
  return true
}

/** The newest segment: what was committed after the one before it is out of reach until there is a newer backup. @throws NothingDamaged. */
export async function loseNewestSegment(places: Places, archive: string): Promise<void> {
  const folder = places.archived(archive)
  const segments = existsSync(folder) ? (await readdir(folder)).filter((name) => SEGMENT.test(name)).sort() : []
  const newest = segments.at(-1)
  if (newest === undefined) throw new NothingDamaged('Its archive is empty.')
  rmSync(join(folder, newest))
}
