/** One table's rows in a manifest: parts of so many blocks, since a row version never leaves its place but when the whole table is rewritten. */
import { createHash } from 'node:crypto'
import { quoteQualified } from '../connect/quote'
import type { CatalogTable } from '../verify/catalog'
import { ChunkSize } from '../verify/chunk-size'
import { isOld } from '../verify/horizon'
import { inOrder } from '../verify/in-order'
import { type FormedColumn, formOf, rowHash } from '../verify/row-hash'
import { type Side, TooSlow } from '../verify/side'

/** A table, or a leaf partition. */
export interface TableManifest {
  /** `schema.table`, quoted where PostgreSQL would. */
  readonly name: string
  /** The table through which it is read: itself, or the root of its partitions. */
  readonly root: string
  readonly oid: number
  /** Its file on disk: another one means that its rows were moved. */
  readonly fileNode: number
  /** Digest of its columns' names and types. */
  readonly columns: string
  /** How many blocks a part has; the last one is open. */
  readonly partBlocks: number
  /** For each part, the rows written before the horizon and the sum of their hashes. */
  readonly parts: readonly Part[]
  /** Rows written since the horizon. */
  readonly newer: number
}

export type Part = readonly [rows: number, sum: string]

/** A reason, in words, why a table has no place in a manifest. */
export class Unread extends Error {
  override readonly name = 'Unread'
  /** `empty`: no backup has a row of it. */
  constructor(
    message: string,
    readonly empty = false,
  ) {
    super(message)
  }
}

/** Finer than this is not worth its bytes. */
const PART_BLOCKS_MIN = 1_024
const PARTS_MAX = 64
/** Of all tables together, about. */
const ALL_PARTS_MAX = 4_096
const BLOCK_BYTES = 8_192

export interface TableReading {
  readonly side: Side
  readonly table: CatalogTable
  readonly horizon: string
  /** Parts as the first manifest has them; undefined: this is the first. */
  readonly firsts: ReadonlyMap<string, TableManifest> | undefined
  readonly databaseBytes: number
  readonly stopped: () => boolean
  /** Tables whose parts an earlier run found as the first manifest has them. */
  readonly known: ReadonlySet<string>
}

interface Leaf extends Record<string, unknown> {
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly name: string
  readonly fileNode: number
  readonly blocks: number
  readonly logged: boolean
}

/** One, or one for each leaf partition. Throws Unread, TooSlow or ServerError. */
export async function readTable(reading: TableReading): Promise<TableManifest[]> {
  const { side, table, firsts, known, databaseBytes } = reading
  refuseUnreadable(table)
  const columns = table.columns.map((column) => ({ column, form: formOf(column, column, true) })).sort(byName)
  const read: TableManifest[] = []
  for (const leaf of await leavesOf(side, table)) {
    if (!leaf.logged) throw new Unread('It is unlogged: after every recovery it is empty.', !table.partitioned)
    const first = firsts?.get(leaf.name)
    const partBlocks = first?.partBlocks ?? partBlocksOf(leaf, databaseBytes)
    const count = first?.parts.length ?? Math.max(1, Math.ceil(leaf.blocks / partBlocks))
    const same = first !== undefined && known.has(placeOf(leaf)) ? await stillAsFirst(leaf, first, reading) : null
    const { parts, newer } = same ?? (await readParts(leaf, { ...reading, columns, partBlocks, count }))
    const { name, oid, fileNode } = leaf
    read.push({ name, root: table.name, oid, fileNode, columns: digestOf(columns), partBlocks, parts, newer })
  }
  const after = await leavesOf(side, table)
  const asBefore =
    read.length === after.length &&
    read.every(({ oid, fileNode }, at) => after[at]?.oid === oid && after[at]?.fileNode === fileNode)
  if (!asBefore) throw new Unread('It was rewritten, or its partitions changed, while it was read.')
  return read
}

/** Where a table lies: rows of another place may have moved from part to part. */
export function placeOf({ name, oid, fileNode }: Pick<TableManifest, 'name' | 'oid' | 'fileNode'>): string {
  return `${name} ${oid} ${fileNode}`
}

export function isAsFirst({ parts }: TableManifest, first: TableManifest | undefined): boolean {
  return first !== undefined && JSON.stringify(parts) === JSON.stringify(first.parts)
}

/** Rows from before the horizon can only become fewer, and none of them changes: as many as there were are the very same. Null: they have become fewer. */
async function stillAsFirst(
  leaf: Leaf,
  { parts }: TableManifest,
  { side, horizon, stopped }: TableReading,
): Promise<Parts | null> {
  const size = new ChunkSize({ first: PART_BLOCKS_MIN, least: 1, most: 131_072 })
  const whole = { start: 0, end: Math.max(1, leaf.blocks), last: true }
  const { rows, newer } = await readRange({ side, size, stopped }, whole, (where) => sumSql({ leaf, hash: '0', horizon }, where))
  return rows === parts.reduce((sum, [count]) => sum + count, 0) ? { parts, newer } : null
}

function refuseUnreadable({ unreadable, foreignPartitions }: CatalogTable): void {
  if (unreadable !== null) throw new Unread(`The role may not read ${unreadable}: grant SELECT on it and USAGE on its schema.`)
  if (foreignPartitions) throw new Unread('Some of its partitions are on another server.')
}

const byName = (a: FormedColumn, b: FormedColumn): number => (a.column.name < b.column.name ? -1 : 1)

function partBlocksOf({ blocks }: Leaf, databaseBytes: number): number {
  const share = databaseBytes / BLOCK_BYTES / ALL_PARTS_MAX
  return Math.ceil(Math.max(PART_BLOCKS_MIN, blocks / PARTS_MAX, share))
}

function digestOf(columns: readonly FormedColumn[]): string {
  const told = columns.map(({ column: { name, type }, form }) => [name, type, form])
  return createHash('sha256').update(JSON.stringify(told)).digest('hex').slice(0, 16)
}

interface Parts {
  readonly parts: readonly Part[]
  readonly newer: number
}

async function readParts(
  leaf: Leaf,
  {
    side,
    horizon,
    columns,
    partBlocks,
    count,
    stopped,
  }: TableReading & { columns: readonly FormedColumn[]; partBlocks: number; count: number },
): Promise<Parts> {
  const size = new ChunkSize({ first: PART_BLOCKS_MIN, least: 1, most: 131_072 })
  const hash = columns.length === 0 ? '0' : rowHash(columns)
  const parts: Part[] = []
  let newer = 0
  let begun = 0
  await inOrder<number, Summed>({
    lanes: side.jobs,
    next: () => (begun < count ? begun++ : null),
    work: async (part) => {
      const last = part === count - 1
      const range = {
        start: part * partBlocks,
        end: last ? Math.max(leaf.blocks, (part + 1) * partBlocks) : (part + 1) * partBlocks,
        last,
      }
      return readRange({ side, size, stopped }, range, (where) => sumSql({ leaf, hash, horizon }, where))
    },
    hear: (summed) => {
      parts.push([summed.rows, String(summed.sum)])
      newer += summed.newer
    },
  })
  return { parts, newer }
}

interface Summed {
  readonly rows: number
  readonly sum: bigint
  readonly newer: number
}

interface BlockRange {
  readonly start: number
  readonly end: number
  /** With whatever comes behind it. */
  readonly last: boolean
}

/** In pieces that take half a second each. */
async function readRange(
  { side, size, stopped }: { side: Side; size: ChunkSize; stopped: () => boolean },
  { start: first, end: until, last }: BlockRange,
  sql: (where: string) => string,
): Promise<Summed> {
  let total: Summed = { rows: 0, sum: 0n, newer: 0 }
  for (let start = first; start < until; ) {
    if (stopped()) throw new Unread('There was no time left to read all of it.')
    const end = Math.min(until, start + size.size)
    const began = performance.now()
    try {
      const upTo = last && end === until ? '' : ` AND ctid < '(${end},0)'::tid`
      const [row] = await side.query<{ rows: number; sum: string; newer: number }>(sql(`ctid >= '(${start},0)'::tid${upTo}`))
      const { rows = 0, sum = '0', newer = 0 } = row ?? {}
      total = { rows: total.rows + rows, sum: total.sum + BigInt(sum), newer: total.newer + newer }
      size.took(performance.now() - began, end - start)
      start = end
    } catch (error) {
      if (!(error instanceof TooSlow) || !size.tooSlow()) throw error
    }
  }
  return total
}

function sumSql({ leaf, hash, horizon }: { leaf: Leaf; hash: string; horizon: string }, where: string): string {
  const old = isOld('t.xmin', horizon)
  return `SELECT count(*) FILTER (WHERE ${old}) AS rows, coalesce(sum(${hash}) FILTER (WHERE ${old}), 0)::text AS sum,
           count(*) FILTER (WHERE NOT ${old}) AS newer
      FROM ONLY ${quoteQualified(leaf.schema, leaf.table)} AS t WHERE ${where}`
}

/** In the order of their oids. */
function leavesOf(side: Side, { quoted }: CatalogTable): Promise<Leaf[]> {
  return side.query<Leaf>(LEAVES, [quoted])
}

const LEAVES = `
  SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS table, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
         pg_relation_filenode(c.oid)::bigint AS "fileNode", (pg_relation_size(c.oid) / current_setting('block_size')::int)::bigint AS blocks,
         c.relpersistence = 'p' AS logged
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind = 'r' AND (c.oid = $1::regclass OR c.oid IN (SELECT relid FROM pg_partition_tree($1::regclass)))
   ORDER BY c.oid`
