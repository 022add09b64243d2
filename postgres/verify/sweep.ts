/** One sum over a whole table on one side, read in the order in which it lies on disk: it needs no key, no index and no order, and costs what
 *  reading costs. Equal sums and counts mean equal tables; differing ones do not say where. */

import { quoteQualified } from '../connect/quote'
import type { CatalogTable } from './catalog'
import { ChunkSize } from './chunk-size'
import { NO_ROWS, plus, type Sum } from './compared'
import { inOrder } from './in-order'
import type { TablePair } from './pairing'
import { rowHash } from './row-hash'
import { type Side, TooSlow } from './side'

/** A relation that rows lie in: the table itself, or a leaf partition. */
interface Leaf {
  readonly quoted: string
  readonly blocks: number
}

/** A gigabyte at most, whatever the time says. */
const BLOCKS = { first: 1_024, least: 1, most: 131_072 }

export interface SweepOptions {
  readonly side: Side
  readonly pair: TablePair
  readonly stopped: () => boolean
  readonly onChunk: (rows: number, bytes: number) => void
}

/** Throws TooSlow when a single block takes longer than a statement may. */
export async function sweep({ side, pair, stopped, onChunk }: SweepOptions): Promise<Sum> {
  const hash = rowHash(pair.columns.map((column) => column[side.name]))
  let total: Sum = NO_ROWS
  await overBlocks(side, pair[side.name], stopped, {
    ask: async (blocks) => {
      const sql = `SELECT count(*) AS rows, coalesce(sum(${hash}), 0)::text AS sum FROM ${blocks.from}`
      const [row] = await side.query<{ rows: number; sum: string }>(sql)
      return { blocks, sum: { rows: row?.rows ?? 0, sum: BigInt(row?.sum ?? 0) } }
    },
    hear: ({ blocks, sum }) => {
      total = plus(total, sum)
      onChunk(sum.rows, blocks.bytes)
    },
  })
  return total
}

export interface Blocks {
  readonly bytes: number
  /** A FROM clause with a WHERE, the relation as `t`. */
  readonly from: string
}

/** Asks for ranges of blocks, as many at a time as the side has sessions; `hear` has the answers in order. Once `stopped` it
 *  asks for no more. */
export async function overBlocks<T>(
  side: Side,
  table: CatalogTable,
  stopped: () => boolean,
  { ask, hear }: { readonly ask: (blocks: Blocks) => Promise<T>; readonly hear: (answer: T) => void },
): Promise<void> {
  const leaves = await leavesOf(side, table)
  const size = new ChunkSize(BLOCKS)
  let at = { relation: 0, block: 0 }
  const next = (): { start: number; end: number; last: boolean; leaf: Leaf } | null => {
    if (stopped()) return null
    let leaf = leaves[at.relation]
    while (leaf !== undefined && at.block > 0 && at.block >= leaf.blocks) {
      at = { relation: at.relation + 1, block: 0 }
      leaf = leaves[at.relation]
    }
    if (leaf === undefined) return null
    const start = at.block
    const end = Math.min(start + size.size, Math.max(leaf.blocks, 1))
    const last = end >= leaf.blocks
    const { relation } = at
    at = last ? { relation: relation + 1, block: 0 } : { relation, block: end }
    return { start, end, last, leaf }
  }
  await inOrder({
    lanes: side.jobs,
    next,
    work: async (range) => {
      const answers: T[] = []
      // Too slow: the same blocks in smaller pieces.
      for (let start = range.start; start < range.end && !stopped(); ) {
        const end = Math.min(range.end, start + size.size)
        const began = performance.now()
        try {
          const last = range.last && end === range.end
          answers.push(await ask({ bytes: (end - start) * 8_192, from: fromBlocks(range.leaf, start, last ? null : end) }))
          size.took(performance.now() - began, end - start)
          start = end
        } catch (error) {
          if (!(error instanceof TooSlow) || !size.tooSlow()) throw error
        }
      }
      return answers
    },
    hear: (answers) => {
      for (const answer of answers) hear(answer)
    },
  })
}

/** The last range has no end: what is added behind it belongs to no snapshot of ours, and what was there is not missed. */
function fromBlocks({ quoted, blocks }: Leaf, start: number, end: number | null): string {
  if (blocks <= BLOCKS.first && start === 0 && end === null) return `ONLY ${quoted} AS t`
  return `ONLY ${quoted} AS t WHERE ctid >= '(${start},0)'::tid${end === null ? '' : ` AND ctid < '(${end},0)'::tid`}`
}

async function leavesOf(side: Side, { quoted }: CatalogTable): Promise<Leaf[]> {
  const rows = await side.query<{ schema: string; table: string; blocks: number }>(
    `SELECT n.nspname::text AS schema, c.relname::text AS table,
            (pg_relation_size(c.oid) / current_setting('block_size')::int)::bigint AS blocks
       FROM pg_partition_tree($1::regclass) p JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' UNION ALL
     SELECT n.nspname::text, c.relname::text, (pg_relation_size(c.oid) / current_setting('block_size')::int)::bigint
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid = $1::regclass AND c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_partition_tree($1::regclass))
      ORDER BY 1, 2`,
    [quoted],
  )
  return rows.map(({ schema, table, blocks }) => ({ quoted: quoteQualified(schema, table), blocks }))
}
