/** Looks at both databases for what would come back, and writes nothing itself: whoever takes the keys of missing rows may. The plan is made of it, and, where
 *  it kept no keys, so is the staging: the same survey once more. */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../../contracts/canonical-json'
import { failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { onBothSides } from '../verify/both-sides'
import type { Catalog } from '../verify/catalog'
import { shownKey, TOLD_MAX } from '../verify/found'
import { isSame } from '../verify/identity'
import type { Key } from '../verify/key-reader'
import { pairTables, type Selection, type TablePair } from '../verify/pairing'
import { type Side, TooSlow } from '../verify/side'
import { type ComingBack, Expectations, type Referred } from './expectations'
import { type LiveTable, readLiveTable, refuseUnfit, withoutGenerated } from './live-table'
import { findMissing, type Sides } from './missing'
import { parentsFirst } from './parents-first'
import { checkPredicate } from './predicate'
import type { Place, RecoveryProgress, RecoveryRequest, RowRecoveryPlan, TablePlan } from './recovered'

export interface RecoverySelection extends Selection {
  /** All tables that the copy has in these. */
  readonly schemas: readonly string[]
}

/** A table whose rows can come back. */
export interface FitTable {
  readonly pair: TablePair
  readonly live: LiveTable
}

interface SurveyOptions {
  readonly sides: Sides
  readonly request: RecoveryRequest
  readonly previous: string | null
  readonly tables: readonly FitTable[]
  /** What it is for, as people are told. */
  readonly phase: RecoveryProgress['phase']
  /** Called with the keys of missing rows, piece by piece. */
  readonly take?: ((table: FitTable, keys: readonly Key[]) => Promise<void>) | undefined
  readonly onProgress?: ((progress: RecoveryProgress) => void) | undefined
}

export interface Survey {
  readonly digest: string
  readonly copy: Place
  readonly live: Place
  readonly tables: readonly TablePlan[]
}

/** The tables that are meant, parents first. Throws OPTION_INVALID for a name that nobody has, ROWS_UNRECOVERABLE for a table that is unfit. */
export async function fitTables(sides: Sides, selection: RecoverySelection): Promise<FitTable[]> {
  if (await isSame(sides)) throw failure('OPTION_INVALID', SAME, { option: 'into' })
  const { source, target } = await onBothSides((side) => sides[side].catalog())
  const tables = [...selection.tables, ...selection.schemas.flatMap((schema) => tablesOf(source, schema))]
  const { pairs, structure, unreadable } = pairTables(source, target, { tables, exclude: selection.exclude })
  const gone = structure.find(({ kind }) => kind === 'table-missing')
  if (gone !== undefined) throw unrecoverable(gone.table, whereMissing(gone.side))
  for (const [table, why] of unreadable) throw unrecoverable(table, why)
  const fit: FitTable[] = []
  for (const pair of pairs) {
    const live = await readLiveTable(sides.target, pair.target)
    refuseUnfit(pair, live)
    fit.push({ pair: withoutGenerated(pair, live), live })
  }
  const byName = new Map(fit.map((table) => [table.pair.name, table]))
  const parentsOf = (name: string) => byName.get(name)?.live.foreignKeys.map(({ parent }) => parent) ?? []
  return parentsFirst([...byName.keys()], parentsOf).flatMap((name) => byName.get(name) ?? [])
}

const SAME =
  '--from and --into are the same database of the same server, which lacks nothing that it has: name the copy with --from.'

const whereMissing = (side: 'source' | 'target'): string =>
  side === 'source'
    ? 'the copy has no such table'
    : 'the live database has no such table: make it first, with pg_dump --schema-only'

export const unrecoverable = (table: string, why: string): Error =>
  failure('ROWS_UNRECOVERABLE', `No rows can be brought back to ${table}: ${why}.`, { table })

/** `where`: what has to have them. */
export function tablesOf({ tables }: Catalog, schema: string, where = 'the copy'): string[] {
  const found = tables.filter(({ name }) => name.startsWith(`${schema}.`)).map(({ name }) => name)
  if (found.length > 0) return found
  const message = `--schema names ${schema}, in which ${where} has no table: write it in quotes where PostgreSQL needs them.`
  throw failure('OPTION_INVALID', message, { option: 'schema', schema })
}

/** What a server refuses to be asked, as DATABASE_REFUSED. */
export async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof TooSlow) throw failure('DATABASE_REFUSED', TOO_SLOW)
    if (!(error instanceof ServerError)) throw error
    const { message, sqlState } = error
    // insufficient_privilege; rows are never left out in silence, since row_security is off
    const todo =
      sqlState === '42501' ? ' Do it as the owner of the tables, or as a role with BYPASSRLS that may read and insert.' : ''
    throw failure('DATABASE_REFUSED', `Finding and copying missing rows was refused: ${message} (SQLSTATE ${sqlState}).${todo}`, {
      sqlState,
    })
  }
}

const TOO_SLOW =
  'Even the smallest piece of a table took longer than the 60 s that a statement is allowed: try again when the servers are less busy.'

/** Throws OPTION_INVALID for a predicate that cannot be asked. */
export async function survey({ sides, request, previous, tables, phase, take, onProgress }: SurveyOptions): Promise<Survey> {
  const [only] = tables
  if (request.where !== null && only !== undefined) await checkPredicate(sides.source, request.where, only.pair.source)
  const { source: copy, target: live } = await onBothSides((side) => placeOf(sides[side]))
  const coming: ComingBack = new Map()
  const looked: { table: FitTable; seen: Seen; expected: Expectations }[] = []
  for (const table of tables) {
    const referred = referredOf(table.pair.name, tables)
    const expected = new Expectations({ ...table, sides, referred, coming })
    const seen = new Seen()
    await findMissing({
      sides,
      pair: table.pair,
      where: request.where,
      hear: async (lacking) => {
        seen.hear(lacking)
        const keys = lacking.missing.map(({ key }) => key)
        await expected.hear(keys)
        await take?.(table, keys)
        onProgress?.({ phase, table: table.pair.name, rows: seen.looked })
      },
    })
    looked.push({ table, seen, expected })
  }
  const plans = looked.map(({ table, seen, expected }) => tablePlan(table, seen, expected))
  return { digest: digestOf({ copy, live, request, previous, tables: plans }), copy, live, tables: plans }
}

class Seen {
  looked = 0
  rows = 0
  sum = 0n
  leftOut = 0
  changed = 0
  readonly missing: Key[] = []
  readonly changedKeys: Key[] = []

  hear({ looked, missing, leftOut, changed }: Parameters<Parameters<typeof findMissing>[0]['hear']>[0]): void {
    this.looked += looked
    this.rows += missing.length
    for (const { hash } of missing) this.sum += BigInt(hash)
    this.leftOut += leftOut
    this.changed += changed.length
    this.missing.push(...missing.slice(0, TOLD_MAX - this.missing.length).map(({ key }) => key))
    this.changedKeys.push(...changed.slice(0, TOLD_MAX - this.changedKeys.length))
  }
}

function referredOf(parent: string, tables: readonly FitTable[]): Referred[] {
  const all = tables.flatMap(({ live }) => live.foreignKeys.filter((key) => key.parent === parent))
  const ways = all.map(({ parentColumns }) => ({ parent, columns: parentColumns.map(({ name }) => name) }))
  return [...new Map(ways.map((way) => [way.columns.join('\0'), way])).values()]
}

type Shape = Pick<TablePlan, 'table' | 'key' | 'columns' | 'defaults' | 'triggers'>

/** What no row changes. */
function shapeOf({ pair, live }: FitTable): Shape {
  const had = new Set(pair.source.columns.map(({ name }) => name))
  return {
    table: pair.name,
    key: (pair.key?.columns ?? []).map(({ name }) => name),
    columns: pair.columns.map(({ name }) => name),
    defaults: pair.target.columns.map(({ name }) => name).filter((name) => !had.has(name) && !live.generated.includes(name)),
    triggers: live.triggers,
  }
}

function tablePlan(table: FitTable, seen: Seen, expected: Expectations): TablePlan {
  const { pair } = table
  const shown = (keys: readonly Key[]) => keys.map((key) => shownKey(key, pair, false))
  return {
    ...shapeOf(table),
    rows: seen.rows,
    sum: String(seen.sum),
    leftOut: seen.leftOut,
    changed: seen.changed,
    orphans: expected.orphans,
    taken: expected.taken,
    sequencesBehind: expected.sequencesBehind,
    sample: { missing: shown(seen.missing), changed: shown(seen.changedKeys) },
  }
}

/** The digest of a plan by what databases and tables are now, and by the rows that it has. */
export async function digestNow(
  { request, tables: planned }: Pick<RowRecoveryPlan, 'request' | 'tables'>,
  { sides, tables, previous }: Pick<SurveyOptions, 'sides' | 'tables' | 'previous'>,
): Promise<string> {
  const { source: copy, target: live } = await onBothSides((side) => placeOf(sides[side]))
  const counted = new Map(planned.map(({ table, rows, sum }) => [table, { rows, sum }]))
  const now = tables.map((table) => ({ ...shapeOf(table), ...(counted.get(table.pair.name) ?? { rows: 0, sum: '0' }) }))
  return digestOf({ copy, live, request, previous, tables: now })
}

/** What traffic changes by itself is left out. */
function digestOf({
  copy,
  live,
  request,
  previous,
  tables,
}: Pick<RowRecoveryPlan, 'copy' | 'live' | 'request' | 'previous'> & {
  readonly tables: readonly (Shape & Pick<TablePlan, 'rows' | 'sum'>)[]
}): string {
  const bound = tables.map(({ table, key, columns, defaults, triggers, rows, sum }) => ({
    table,
    key,
    columns,
    defaults,
    triggers,
    rows,
    sum,
  }))
  return createHash('sha256')
    .update(canonicalJson({ version: 1, copy, live, request, previous, tables: bound }))
    .digest('hex')
}

/** The server's own identifier, which a copy of it has too. */
async function placeOf(side: Side): Promise<Place> {
  const ask = async (system: string): Promise<Place> => {
    const [place] = await side.query<Place & Record<string, unknown>>(
      `SELECT ${system} AS system, current_database()::text AS database`,
    )
    if (place === undefined) throw new Error('the server does not say who it is')
    return place
  }
  try {
    return await ask('(SELECT system_identifier::text FROM pg_control_system())')
  } catch (error) {
    // insufficient_privilege: somebody has taken it from the public
    if (error instanceof ServerError && error.sqlState === '42501') return ask('NULL::text')
    throw error
  }
}
