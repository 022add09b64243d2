/** Compares tables whose keys have no order in common, or that have no key: rows fall into buckets by the hash of the key, or of themselves; the
 *  buckets whose sums differ are then looked into. Two passes over each side, or three, whatever the order of anything is. */
import { onBothSides } from './both-sides'
import { type CatalogTable, outputText } from './catalog'
import { NO_ROWS, plus, type Sum, same } from './compared'
import { differing, type Found } from './found'
import type { HashedRow, Key } from './key-reader'
import type { TablePair } from './pairing'
import { rowHash } from './row-hash'
import type { Side } from './side'
import { overBlocks } from './sweep'

/** Enough that one bucket of a table of a hundred million rows fits into memory. */
const BUCKETS = 16_384
/** Rows of differing buckets that are held at a time, of each side. */
const ROWS_MAX = 200_000
/** Reads of the whole table that look for rows; what is left after them is known to differ, and not told row by row. */
const PASSES_MAX = 8

type Buckets = Map<number, Sum>

/** Of a row that one side has more often: below zero, the target does. */
type HearSurplus = (hash: string, surplus: number) => void

/** Only under `static`. Resolves to the rows of each side. `hear`: of a table without a key, whatever is added to `found`. */
export async function compareBuckets(
  pair: TablePair,
  sides: { readonly source: Side; readonly target: Side },
  found: Found,
  hear: HearSurplus = () => undefined,
): Promise<{ source: number; target: number }> {
  const { source, target } = await onBothSides((side, stopped) => bucketsOf(sides[side], pair, stopped))
  const open = [...new Set([...source.keys(), ...target.keys()])]
    .filter((bucket) => !same(source.get(bucket) ?? NO_ROWS, target.get(bucket) ?? NO_ROWS))
    .sort((a, b) => a - b)
  for (let pass = 0; open.length > 0 && !found.full && pass < PASSES_MAX; pass += 1) {
    const some: number[] = []
    for (let rows = 0; open.length > 0 && (some.length === 0 || rows < ROWS_MAX); ) {
      const bucket = open.shift() ?? 0
      rows += Math.max(source.get(bucket)?.rows ?? 0, target.get(bucket)?.rows ?? 0)
      some.push(bucket)
    }
    await lookInto(some, pair, sides, found, hear)
  }
  if (open.length > 0 && !found.full) found.inexact('Too many rows differ to be looked for one by one.')
  else if (open.length > 0) found.exact = false
  return { source: rowsOf(source), target: rowsOf(target) }
}

const rowsOf = (buckets: Buckets): number => [...buckets.values()].reduce((sum, { rows }) => sum + rows, 0)

/** SQL of the bucket of a row `t`. */
function bucketSql(pair: TablePair, side: Side): string {
  const columns = (pair.key?.columns ?? pair.columns).map((column) => column[side.name])
  return `((${rowHash(columns)}) & ${BUCKETS - 1})::int`
}

async function bucketsOf(side: Side, pair: TablePair, stopped: () => boolean): Promise<Buckets> {
  const hash = rowHash(pair.columns.map((column) => column[side.name]))
  const buckets: Buckets = new Map()
  const table: CatalogTable = pair[side.name]
  await overBlocks(side, table, stopped, {
    ask: ({ from }) =>
      side.query<{ bucket: number; rows: number; sum: string }>(
        `SELECT ${bucketSql(pair, side)} AS bucket, count(*) AS rows, sum(${hash})::text AS sum FROM ${from} GROUP BY 1`,
      ),
    hear: (rows) => {
      for (const { bucket, rows: count, sum } of rows)
        buckets.set(bucket, plus(buckets.get(bucket) ?? NO_ROWS, { rows: count, sum: BigInt(sum) }))
    },
  })
  return buckets
}

async function lookInto(
  buckets: readonly number[],
  pair: TablePair,
  sides: { readonly source: Side; readonly target: Side },
  found: Found,
  hear: HearSurplus,
): Promise<void> {
  if (pair.key !== null) {
    const { source, target } = await onBothSides((side, stopped) => rowsIn(buckets, pair, sides[side], stopped))
    if (Math.max(source.length, target.length) > 2 * ROWS_MAX)
      return found.inexact('Rows that differ are among too many that share a hash to be told apart.')
    for (const { kind, key } of differing(source, target)) found.add(kind, key)
    return
  }
  const { source, target } = await onBothSides((side, stopped) => countsIn(buckets, pair, sides[side], stopped))
  for (const hash of new Set([...source.keys(), ...target.keys()])) {
    const surplus = (source.get(hash) ?? 0) - (target.get(hash) ?? 0)
    if (surplus !== 0) hear(hash, surplus)
    if (surplus > 0) found.add('only-in-source', null, surplus)
    else if (surplus < 0) found.add('only-in-target', null, -surplus)
  }
}

/** SQL that keeps only the rows of the buckets in `$1`. */
const amongBuckets = (from: string, pair: TablePair, side: Side): string =>
  `${from.includes(' WHERE ') ? 'AND' : 'WHERE'} ${bucketSql(pair, side)} = ANY ($1::int[])`

/** Ends early once they are more than twice ROWS_MAX. */
async function rowsIn(buckets: readonly number[], pair: TablePair, side: Side, stopped: () => boolean): Promise<HashedRow[]> {
  const hash = rowHash(pair.columns.map((column) => column[side.name]))
  const keys = (pair.key?.columns ?? []).map((column) => outputText(column[side.name].column))
  const all: HashedRow[] = []
  const enough = (): boolean => all.length > 2 * ROWS_MAX
  await overBlocks(side, pair[side.name], () => stopped() || enough(), {
    ask: ({ from }) => {
      const sql = `SELECT ARRAY[${keys.join(', ')}]::text[] AS key, (${hash})::text AS hash FROM ${from} ${amongBuckets(from, pair, side)}
                    LIMIT ${2 * ROWS_MAX + 1}`
      return side.query<{ key: Key; hash: string }>(sql, [buckets])
    },
    hear: (rows) => {
      for (const row of rows) if (!enough()) all.push(row)
    },
  })
  return all
}

/** How often each hash of a row is there. */
async function countsIn(
  buckets: readonly number[],
  pair: TablePair,
  side: Side,
  stopped: () => boolean,
): Promise<Map<string, number>> {
  const hash = rowHash(pair.columns.map((column) => column[side.name]))
  const counts = new Map<string, number>()
  await overBlocks(side, pair[side.name], stopped, {
    ask: ({ from }) => {
      const sql = `SELECT (${hash})::text AS hash, count(*) AS count FROM ${from} ${amongBuckets(from, pair, side)} GROUP BY 1`
      return side.query<{ hash: string; count: number }>(sql, [buckets])
    },
    hear: (rows) => {
      for (const row of rows) counts.set(row.hash, (counts.get(row.hash) ?? 0) + row.count)
    },
  })
  return counts
}
