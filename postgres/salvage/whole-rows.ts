/** A table of which nothing tells the rows apart, as a multiset of whole rows: each that one side has more often than the other is in that one alone. Both sides are
 *  read under a snapshot, since rows that move about on a disk would be met twice or never. Reads both, and changes nothing. */
import { onBothSides } from '../verify/both-sides'
import { compareBuckets } from '../verify/buckets'
import type { SideName } from '../verify/compared'
import { Found } from '../verify/found'
import type { TablePair } from '../verify/pairing'
import { rowHash } from '../verify/row-hash'
import type { Side } from '../verify/side'
import { overBlocks } from '../verify/sweep'

/** Different rows that are counted, and read; each costs some hundred bytes, and itself where it is read. */
const ROWS_MAX = 100_000

interface WholeRows {
  readonly there: number
  readonly gone: number
  /** Why not all of it is known; null: all is. */
  readonly why: string | null
}

interface WholeRowsOptions {
  readonly pair: TablePair
  /** Under `static`, and not begun. */
  readonly sides: Readonly<Record<SideName, Side>>
  /** Rows of the old writer alone as JSON, each as often as it has it more; default: they are counted alone. */
  readonly take?: ((row: string) => Promise<void>) | undefined
}

/** Throws TooSlow, ServerError, SnapshotLost. */
export async function lookAtWholeRows({ pair, sides, take }: WholeRowsOptions): Promise<WholeRows> {
  const unknown = (why: string): WholeRows => ({ there: 0, gone: 0, why })
  if (pair.columns.length === 0) return unknown('The sides have no column of it in common.')
  const refused = await onBothSides((side) => sides[side].begin([pair[side]]))
  const why = refused.source.get(pair.name) ?? refused.target.get(pair.name)
  if (why !== undefined) return unknown(why)
  const found = new Found(ROWS_MAX)
  const more = new Map<string, number>()
  await compareBuckets({ ...pair, key: null }, sides, found, (hash, surplus) => {
    if (surplus > 0) more.set(hash, surplus)
  })
  if (take !== undefined && more.size > 0) await readRows(pair, sides.source, more, take)
  const held = await onBothSides((side) => sides[side].held())
  if (!held.source || !held.target) return unknown('The connection that kept it from changing was lost: ask again.')
  const { onlyInSource: there, onlyInTarget: gone, exact, note } = found
  if (exact) return { there, gone, why: null }
  return { there, gone, why: `${note ?? 'More rows differ than are looked for.'} These are at least so many.` }
}

/** Rows with the same hash are the same, so that it does not matter which of them are told. */
async function readRows(
  pair: TablePair,
  side: Side,
  more: Map<string, number>,
  take: (row: string) => Promise<void>,
): Promise<void> {
  const hash = rowHash(pair.columns.map((column) => column[side.name]))
  const wanted = [...more.keys()]
  await overBlocks(side, pair[side.name], () => more.size === 0, {
    async ask({ from }) {
      const sql = `SELECT (${hash})::text AS hash, to_jsonb(t)::text AS row FROM ${from} ${from.includes(' WHERE ') ? 'AND' : 'WHERE'} ${hash} = ANY ($1::bigint[])`
      for (const found of await side.query<{ hash: string; row: string }>(sql, [wanted])) {
        const left = more.get(found.hash) ?? 0
        if (left > 0) await take(found.row)
        if (left > 1) more.set(found.hash, left - 1)
        else more.delete(found.hash)
      }
    },
    hear: () => undefined,
  })
}
