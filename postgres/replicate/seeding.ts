/** The filling of a standby: a mark in its database, without which nothing of it is ever emptied. The mark is written while there is nothing in it that
 *  could be lost; from then on all that comes is by our migrations and by the source, and may be thrown away until it says that the standby follows.
 *
 *  To be asked as the role that owns the tables, which is also the one whose the schema `capstan` is. */
import { failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import { ServerError } from '../connect/errors'
import type { Session } from '../connect/session'
import { controlTables, ensureControlSchema } from '../migrate/control-schema'
import { DEFAULT_HISTORY, readHistory } from '../migrate/history'
import { dropBound, lineHad, raiseBound, readLines } from '../migrate/schema-line'
import { behindFence, type Guarded } from './behind-fence'
import { ownWrites } from './guard'
import { historyValues, PUBLISHED_TABLES } from './preflight/relations'
import { alone, type NamedTable, resolveTables, shownList } from './tables'

export interface OriginMark {
  /** The source's fleet name. */
  readonly source: string
  readonly operation: OperationId
  /** `preparing`: what is in it may be thrown away; `following`: it may not. */
  readonly state: 'preparing' | 'following'
  /** Which tables are prepared, as `schema.table`, quoted; null: all. */
  readonly tables: readonly string[] | null
}

export interface SeedingInput extends Guarded {
  readonly source: string
  readonly operation: OperationId
}

const TO_GRANT = 'it has to own the tables, or be a member of the role that does'

/** Null: it is nobody's standby. Reads only. */
export async function readOrigin(standby: Session): Promise<OriginMark | null> {
  if (!(await controlTables(standby)).has('standby_origin')) return null
  return standing(standby, '')
}

async function standing(standby: Session, lock: '' | 'FOR UPDATE'): Promise<OriginMark | null> {
  const [mark] = await standby.query<OriginMark>(
    `SELECT source, operation, state, tables FROM capstan.standby_origin WHERE singleton ${lock}`,
  )
  return mark ?? null
}

export interface BeginSeedingInput extends SeedingInput {
  /** The operation that was not finished: rows under its mark came by it. Any other one was finished, or taken back: then its tables were left empty, and
   *  what is in them is a stranger's. */
  readonly takesOver?: OperationId | null
}

/** In a database without a relation of anybody's. Where the same source's unfinished mark stands it is taken over. Safe to repeat. Throws DATABASE_REFUSED
 *  for one that holds something or is a standby already. */
export async function beginSeeding(standby: Session, input: BeginSeedingInput): Promise<void> {
  await ensureControlSchema(standby)
  await behindFence(standby, input, TO_GRANT, async () => {
    // two that begin at once
    await standby.execute('LOCK TABLE capstan.standby_origin IN SHARE ROW EXCLUSIVE MODE')
    const mark = await standing(standby, '')
    if (mark === null) {
      await refuseFull(standby)
      // of tables that are gone
      await standby.execute('DELETE FROM capstan.set_aside_index')
    } else if (mark.source !== input.source || mark.state !== 'preparing' || mark.tables !== null)
      throw marked(standby, mark, input)
    else if (mark.operation !== input.operation && mark.operation !== input.takesOver) await refuseStrangers(standby)
    await writeMark(standby, { ...input, state: 'preparing', tables: null })
  })
}

/** One table or all (`null`) of a standby that follows are to be thrown away and copied anew. Safe to repeat. Throws DATABASE_REFUSED where it is none of
 *  this source's. */
export async function startReseeding(
  standby: Session,
  input: SeedingInput & { readonly tables: readonly string[] | null },
): Promise<void> {
  await ensureControlSchema(standby)
  await behindFence(standby, input, TO_GRANT, async () => {
    const mark = await standing(standby, 'FOR UPDATE')
    const own = mark?.source === input.source
    // an unfinished one of more tables, or of others, is not made smaller
    const open = own && (mark.state === 'following' || sameTables(mark.tables, input.tables) || input.tables === null)
    if (mark === null || !open) throw marked(standby, mark, input)
    await writeMark(standby, { ...input, state: 'preparing' })
  })
}

function sameTables(one: readonly string[] | null, other: readonly string[] | null): boolean {
  return JSON.stringify(one === null ? null : [...one].sort()) === JSON.stringify(other === null ? null : [...other].sort())
}

/** From here on nothing is thrown away. Safe to repeat. Throws DATABASE_REFUSED where it is none of this source's, or where indexes are still set aside. */
export async function finishSeeding(standby: Session, input: SeedingInput): Promise<void> {
  await ensureControlSchema(standby)
  await behindFence(standby, input, TO_GRANT, async () => {
    const mark = await standing(standby, 'FOR UPDATE')
    if (mark?.source !== input.source) throw marked(standby, mark, input)
    const aside = await standby.query<{ name: string }>('SELECT index_name AS name FROM capstan.set_aside_index ORDER BY 1')
    if (aside.length > 0) {
      const { host, database } = standby.endpoint
      const names = shownList(aside.map(({ name }) => name))
      throw failure('DATABASE_REFUSED', `Indexes of ${database} on ${host} are still to be built (${names}): build them first.`, {
        host,
        database,
        indexes: aside.length,
      })
    }
    await writeMark(standby, { ...input, state: 'following', tables: null })
  })
}

/** What was a source follows now: its rows are its own, and nothing of it is thrown away before somebody seeds it anew. It goes as far as the files that it has
 *  itself. Safe to repeat. */
export async function markFollowing(standby: Session, input: SeedingInput): Promise<void> {
  await ensureControlSchema(standby)
  const { rows } = await readHistory(standby)
  await behindFence(standby, input, TO_GRANT, async () => {
    await raiseBound(standby, { line: lineHad(await readLines(standby), rows), deferred: [] })
    await writeMark(standby, { ...input, state: 'following', tables: null })
  })
}

/** What was a source is to be filled anew: what is in it may be thrown away, and nothing follows upon it. Safe to repeat. */
export async function markToBeEmptied(standby: Session, input: SeedingInput): Promise<void> {
  await ensureControlSchema(standby)
  await behindFence(standby, input, TO_GRANT, () => writeMark(standby, { ...input, state: 'preparing', tables: null }))
}

/** It is nobody's standby any more: nothing in it is ever thrown away, and its own files leave their lines. `ensured`: its control schema was just seen to be whole.
 *  Safe to repeat. */
export async function forgetOrigin(
  standby: Session,
  input: Guarded & { readonly source: string; readonly ensured?: boolean },
): Promise<void> {
  if (input.ensured !== true && !(await controlTables(standby)).has('standby_origin')) return
  await behindFence(standby, input, TO_GRANT, async () => {
    await standby.query('DELETE FROM capstan.standby_origin WHERE source = $1', [input.source])
    await dropBound(standby)
  })
}

async function writeMark(standby: Session, { source, operation, state, tables }: OriginMark): Promise<void> {
  await standby.query(
    `INSERT INTO capstan.standby_origin (source, operation, state, tables) VALUES ($1, $2, $3, $4::text[])
     ON CONFLICT (singleton) DO UPDATE SET source = $1, operation = $2, state = $3, tables = $4::text[], changed_at = now()`,
    [source, operation, state, tables],
  )
}

export interface EmptyTablesInput extends Guarded {
  readonly source: string
  /** As `schema.table`, quoted. */
  readonly tables: readonly string[]
}

/** Empties these tables, all at once, where the mark says that they are being prepared for this source. Sequences stay as they are. Safe to repeat. Throws
 *  DATABASE_REFUSED where the mark says otherwise, or where a table that is not among them refers to one of them. */
export async function emptyTables(standby: Session, input: EmptyTablesInput): Promise<void> {
  await ensureControlSchema(standby)
  await behindFence(standby, input, TO_GRANT, async () => {
    const tables = await preparedTables(standby, input)
    if (tables.length > 0) await truncate(standby, tables)
  })
}

/** Throws what `emptyTables` would; changes nothing. */
export async function assertPrepared(standby: Session, input: EmptyTablesInput): Promise<void> {
  await ensureControlSchema(standby)
  await behindFence(standby, input, TO_GRANT, () => preparedTables(standby, input))
}

async function preparedTables(standby: Session, { source, tables: names }: EmptyTablesInput): Promise<readonly NamedTable[]> {
  const mark = await standing(standby, 'FOR UPDATE')
  const tables = await resolveTables(standby, names)
  const prepared = mark?.tables == null ? null : await resolveTables(standby, mark.tables)
  const others = tables.filter(({ oid }) => prepared !== null && !prepared.some((one) => one.oid === oid))
  if (mark?.source !== source || mark.state !== 'preparing' || others.length > 0) throw notPrepared(standby, mark, source)
  return tables
}

/** What PostgreSQL refuses stays refused: CASCADE would empty what nobody has named. */
async function truncate(standby: Session, tables: readonly NamedTable[]): Promise<void> {
  await ownWrites(standby)
  try {
    await standby.execute(`TRUNCATE ${tables.map(alone).join(', ')}`)
  } catch (error) {
    // feature_not_supported
    if (!(error instanceof ServerError) || error.sqlState !== '0A000') throw error
    const { host, database } = standby.endpoint
    throw failure(
      'DATABASE_REFUSED',
      `Tables of ${database} on ${host} cannot be emptied alone (${error.message}): take those that refer to them as well.`,
      { host, database, tables: tables.length },
      { cause: error },
    )
  }
}

async function refuseFull(standby: Session): Promise<void> {
  const rows = await standby.query<{ name: string }>(
    `SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'capstan') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                         WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
      ORDER BY c.relkind <> 'r', 1`,
  )
  if (rows.length === 0) return
  const { host, database } = standby.endpoint
  throw failure(
    'DATABASE_REFUSED',
    `${database} on ${host} is not empty (${shownList(rows.map(({ name }) => name))}), and a standby is only ever made in one that is: give it an empty database, or drop what is there.`,
    { host, database, relations: rows.length },
  )
}

/** The first table with a row, of those that would be filled; null: none has one. */
export async function strangersRows(standby: Session): Promise<string | null> {
  const tables = await standby.query<{ shown: string }>(PUBLISHED_TABLES, historyValues(DEFAULT_HISTORY))
  for (const { shown } of tables) {
    // quoted by PostgreSQL itself
    const [row] = await standby.query<{ held: boolean }>(`SELECT EXISTS (SELECT FROM ${shown}) AS held`)
    if (row?.held === true) return shown
  }
  return null
}

async function refuseStrangers(standby: Session): Promise<void> {
  const table = await strangersRows(standby)
  if (table === null) return
  const { host, database } = standby.endpoint
  throw failure(
    'DATABASE_REFUSED',
    `${database} on ${host} was prepared for a standby that came to nothing, and left empty; by now there are rows in it (${table}), and nobody’s rows are thrown away: give the standby an empty database, or drop what is there.`,
    { host, database, table },
  )
}

function marked({ endpoint: { host, database } }: Session, mark: OriginMark | null, { source }: SeedingInput): Error {
  const found =
    mark === null
      ? 'is nobody’s standby'
      : `bears the mark of a standby of ${mark.source}, which ${mark.state === 'preparing' ? 'is being filled' : 'follows'} by ${mark.operation}`
  return failure(
    'DATABASE_REFUSED',
    `${database} on ${host} ${found}: it is not for this operation to fill it from ${source}. Look at what it is, and remove that standby first, or name another database.`,
    { host, database, source, marked: mark?.source ?? null },
  )
}

function notPrepared({ endpoint: { host, database } }: Session, mark: OriginMark | null, source: string): Error {
  const found =
    mark === null
      ? 'bears no mark'
      : `is marked as ${mark.state} from ${mark.source}${mark.tables === null ? '' : `, ${mark.tables.length} tables of it`}`
  return failure(
    'DATABASE_REFUSED',
    `Nothing in ${database} on ${host} is thrown away: it ${found}, and not as being prepared from ${source}.`,
    {
      host,
      database,
      source,
      state: mark?.state ?? null,
    },
  )
}
