/** Which table stands for which, what tells its rows apart, and in which form its columns are compared. What is on one side only is a
 *  difference of the structure; the rest is compared all the same. */
import { failure } from '../../contracts/failures'
import type { Catalog, CatalogColumn, CatalogTable } from './catalog'
import type { SideName, StructureDifference } from './compared'
import { type FormedColumn, formOf } from './row-hash'

/** A column that both sides have, with each side's view of it. */
export interface PairedColumn {
  readonly name: string
  readonly source: FormedColumn
  readonly target: FormedColumn
}

export interface TablePair {
  readonly name: string
  readonly source: CatalogTable
  readonly target: CatalogTable
  readonly columns: readonly PairedColumn[]
  /** Null: nothing tells its rows apart on both sides. */
  readonly key: PairedKey | null
  /** What is compared in another way than usual; null: nothing. */
  readonly note: string | null
}

export interface PairedKey {
  readonly columns: readonly PairedColumn[]
  /** A range of it holds the same rows on both sides, and the source finds it by an index. */
  readonly ordered: boolean
  /** Its values are numbers, uuids or times: they may be told. */
  readonly shown: boolean
}

export interface Pairing {
  readonly pairs: readonly TablePair[]
  readonly structure: readonly StructureDifference[]
  /** Tables of both that no row can be read of, with why. */
  readonly unreadable: ReadonlyMap<string, string>
}

export interface Selection {
  /** `schema.table` or `table` of schema public; empty: all of them. */
  readonly tables: readonly string[]
  readonly exclude: readonly string[]
}

/** Throws OPTION_INVALID for a table that neither side has: a mistyped one would be a comparison of nothing. */
export function pairTables(source: Catalog, target: Catalog, selection: Selection): Pairing {
  const byName = (catalog: Catalog) => new Map(catalog.tables.map((table) => [table.name, table]))
  const [sources, targets] = [byName(source), byName(target)]
  const names = selected([...new Set([...sources.keys(), ...targets.keys()])], selection)
  const sameEncoding = source.encoding === target.encoding
  const pairs: TablePair[] = []
  const structure: StructureDifference[] = []
  const unreadable = new Map<string, string>()
  for (const name of names) {
    const [one, other] = [sources.get(name), targets.get(name)]
    if (one === undefined || other === undefined) {
      structure.push({ kind: 'table-missing', side: one === undefined ? 'source' : 'target', table: name, column: null })
      continue
    }
    structure.push(...missingColumns(one, other, 'target'), ...missingColumns(other, one, 'source'))
    const why = whyUnreadable(one, 'source') ?? whyUnreadable(other, 'target')
    if (why !== null) unreadable.set(name, why)
    else pairs.push(pair(one, other, sameEncoding))
  }
  return { pairs, structure, unreadable }
}

function selected(names: readonly string[], { tables, exclude }: Selection): string[] {
  const known = new Set(names)
  const qualified = (name: string): string => (known.has(name) || name.includes('.') ? name : `public.${name}`)
  for (const [option, given] of [['table', tables] as const, ['exclude', exclude] as const]) {
    const unknown = given.find((name) => !known.has(qualified(name)))
    if (unknown !== undefined) {
      const message = `--${option} names ${unknown}, which neither database has: write schema.table, in quotes where PostgreSQL needs them.`
      throw failure('OPTION_INVALID', message, { option, table: unknown })
    }
  }
  const wanted = new Set(tables.map(qualified))
  const unwanted = new Set(exclude.map(qualified))
  return names.filter((name) => (wanted.size === 0 || wanted.has(name)) && !unwanted.has(name)).sort(byBytes)
}

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function missingColumns(of: CatalogTable, other: CatalogTable, side: SideName): StructureDifference[] {
  const there = new Set(other.columns.map(({ name }) => name))
  return of.columns
    .filter(({ name }) => !there.has(name))
    .map(({ name }) => ({ kind: 'column-missing', side, table: of.name, column: name }))
}

function whyUnreadable({ name, unreadable, foreignPartitions }: CatalogTable, side: SideName): string | null {
  if (unreadable === name) return `The role may not read it in the ${side}: grant SELECT on it and USAGE on its schema.`
  if (unreadable !== null)
    return `The role may not read its partition ${unreadable} in the ${side}: grant SELECT on it and USAGE on its schema, as on every other one.`
  return foreignPartitions ? `Some of its partitions in the ${side} are foreign tables, which are not compared.` : null
}

function pair(source: CatalogTable, target: CatalogTable, sameEncoding: boolean): TablePair {
  const there = new Map(target.columns.map((column) => [column.name, column]))
  const columns = source.columns
    .flatMap((column): PairedColumn[] => {
      const other = there.get(column.name)
      if (other === undefined) return []
      const form = formOf(column, other, sameEncoding)
      return [{ name: column.name, source: { column, form }, target: { column: other, form } }]
    })
    // columns may stand in another order over there
    .sort((a, b) => byBytes(a.name, b.name))
  const retyped = columns.filter(({ source: a, target: b }) => a.column.base !== b.column.base).map(({ name }) => name)
  const note = retyped.length === 0 ? null : `compared as text, since the types differ: ${retyped.join(', ')}`
  return { name: source.name, source, target, columns, key: keyOf(source, target, columns, sameEncoding), note }
}

/** The best key of the source that is unique in the target too; without that, two rows of the target may share one. */
function keyOf(
  source: CatalogTable,
  target: CatalogTable,
  columns: readonly PairedColumn[],
  sameEncoding: boolean,
): PairedKey | null {
  const byName = new Map(columns.map((column) => [column.name, column]))
  const usable = source.keys.flatMap((key): PairedKey[] => {
    const inTurn = target.keys.find((other) => sameOrder(key.columns, other.columns))
    const twin = inTurn ?? target.keys.find((other) => sameColumns(key.columns, other.columns))
    const paired = key.columns.flatMap((name) => byName.get(name) ?? [])
    if (twin === undefined || paired.length !== key.columns.length) return []
    const alike = paired.every((column) => sortsAlike(column, sameEncoding))
    const ordered = twin === inTurn && key.plainOrder && twin.plainOrder && alike
    return [{ columns: paired, ordered, shown: paired.every(({ source: { column } }) => TELLS_OF_NOBODY.has(column.base)) }]
  })
  return usable.find(({ ordered }) => ordered) ?? usable[0] ?? null
}

function sameOrder(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, at) => name === b[at])
}

function sameColumns(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name))
}

const TELLS_OF_NOBODY = new Set([
  'smallint',
  'integer',
  'bigint',
  'numeric',
  'oid',
  'boolean',
  'uuid',
  'date',
  'timestamp without time zone',
  'timestamp with time zone',
  'time without time zone',
])

/** Types whose order is PostgreSQL's own, on every server. */
const OWN_ORDER = new Set([
  ...TELLS_OF_NOBODY,
  'bytea',
  '"char"',
  'interval',
  'inet',
  'cidr',
  'macaddr',
  'real',
  'double precision',
])

/** The bytes of texts have another order in another encoding. */
function sortsAlike({ source: { column: a }, target: { column: b } }: PairedColumn, sameEncoding: boolean): boolean {
  if (a.base !== b.base) return false
  if (a.isEnum) return a.labels?.join('\0') === b.labels?.join('\0')
  if (OWN_ORDER.has(a.base)) return true
  return sameEncoding && TEXTS.has(a.base) && orderOf(a) !== null && orderOf(a) === orderOf(b)
}

const TEXTS = new Set(['text', 'character varying', 'bpchar', 'name'])

/** Not deterministic ones hold different texts for the same. */
function orderOf({ collation }: CatalogColumn): string | null {
  return collation?.deterministic === true ? collation.order : null
}
