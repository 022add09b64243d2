/** Whether statements that count as changing rows alone have done just that. What a function does that they call, or a trigger, no grammar tells; and what it makes
 *  of partitions, labels of an enum or tables no standby would get, whose first row stops what applies there, or is in no publication. */
import { failure } from '../../contracts/failures'
import type { Session } from '../connect/session'
import { CATALOG_QUERIES } from '../inspect/catalog-queries'
import { historyValues, PUBLISHED, RELATIONS } from '../replicate/preflight/relations'
import { schemaContents } from '../replicate/unchanged'
import type { HistoryLocation } from './history'
import type { PlannedMigration } from './plan-script'

/** So many objects are named. */
const SHOWN_MAX = 5

/** In the transaction that is under way, right before its rows. Resolves to what is called behind them: it throws MIGRATION_NOT_FOR_STANDBYS. `locked`: tables are
 *  locked already, so that it has to be brief, and what was dropped and made anew counts as changed. */
export async function watchedRows(
  work: Session,
  { migration, history, locked }: { readonly migration: Hiding; readonly history: HistoryLocation; readonly locked: boolean },
): Promise<() => Promise<void>> {
  const { script } = migration
  const lines = linesHiding(migration, 'rows')
  const at = lines.length === 0 ? script : `${script}:${lines.join(', ')}`
  const look = () => {
    return underOwnSettings(work, async () => ({
      contents: await schemaContents(work),
      objects: locked ? null : await objectsOf(work, history),
    }))
  }
  const before = await look()
  return async () => {
    if ((await underOwnSettings(work, () => schemaContents(work))) === before.contents) return
    const changed = before.objects === null ? [] : differing(before.objects, (await look()).objects ?? new Map())
    if (before.objects !== null && changed.length === 0) return
    const named = changed.length > SHOWN_MAX ? [...changed.slice(0, SHOWN_MAX), `${changed.length - SHOWN_MAX} more`] : changed
    throw failure(
      'MIGRATION_NOT_FOR_STANDBYS',
      `${at} was rolled back: this database has standbys, and what counts in it as changing rows alone has changed the schema too${named.length === 0 ? '' : ` (${named.join(', ')})`}: call what does so in a DO block of a file of its own, with the line "-- capstan: schema" before it.`,
      { script, ...(lines[0] === undefined ? {} : { line: lines[0] }) },
    )
  }
}

type Hiding = Pick<PlannedMigration, 'script' | 'statements'>

const HIDING: ReadonlySet<string> = new Set(['DO', 'CALL', 'EXECUTE', 'SELECT'])

/** Of the statements that count as such, and of which no grammar tells what they do: `SHOWN_MAX` at most. None: it was a trigger. */
export function linesHiding({ statements }: Hiding, as: 'rows' | 'schema'): readonly number[] {
  return statements
    .flatMap(({ kind, line, standby }) => (standby.class === as && HIDING.has(kind) ? [line] : []))
    .slice(0, SHOWN_MAX)
}

/** What is printed goes by them, and the script may set them. They are given back. */
async function underOwnSettings<Seen>(work: Session, look: () => Promise<Seen>): Promise<Seen> {
  await work.execute(
    `SAVEPOINT capstan_look; SET LOCAL search_path = ''; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'`,
  )
  const seen = await look()
  await work.execute('ROLLBACK TO SAVEPOINT capstan_look; RELEASE SAVEPOINT capstan_look')
  return seen
}

/** Tables first. */
function differing(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const names = new Set([...before.keys(), ...after.keys()])
  const changed = [...names].filter((name) => before.get(name) !== after.get(name)).sort()
  const isTable = (name: string) => name.startsWith('table ')
  return [...changed.filter(isTable), ...changed.filter((name) => !isTable(name))]
}

/** One that is dropped and made anew is in no publication any more, though it looks the same. Takes `historyValues`. */
const NUMBERS = `SELECT 'table ' || n.nspname || '.' || c.relname AS name, c.oid::text AS number FROM ${RELATIONS} WHERE ${PUBLISHED}`

/** By the questions of the fingerprint: printed on one server, it needs no parsing. */
async function objectsOf(work: Session, history: HistoryLocation): Promise<Map<string, string>> {
  const objects = new Map<string, string>()
  for (const sql of CATALOG_QUERIES) {
    const digests = `SELECT o.kind || ' ' || o.name AS name, pg_catalog.md5(o::text) AS digest FROM (${sql}) o`
    const rows = await work.query<{ name: string; digest: string }>(digests, sql.includes('$1') ? historyValues(history) : [])
    for (const { name, digest } of rows) objects.set(name, digest)
  }
  for (const { name, number } of await work.query<{ name: string; number: string }>(NUMBERS, historyValues(history)))
    objects.set(name, `${objects.get(name)} ${number}`)
  return objects
}
