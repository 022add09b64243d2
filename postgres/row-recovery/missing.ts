/** Which rows of the copy the live table lacks, and which it has otherwise: by ranges of the key where both sides order it alike, so that what is
 *  the same costs one sum; else in the order of the copy's disk. Rows that only the live table has are not looked for. */

import { onBothSides } from '../verify/both-sides'
import { fromTable, outputText } from '../verify/catalog'
import { ChunkSize } from '../verify/chunk-size'
import { same } from '../verify/compared'
import { type HashedRow, type Key, type KeyRange, KeyReader } from '../verify/key-reader'
import type { TablePair } from '../verify/pairing'
import { rowHash } from '../verify/row-hash'
import { type Side, TooSlow } from '../verify/side'
import { overBlocks } from '../verify/sweep'
import { lookUp, type Where } from './look-up'
import { truthOf } from './predicate'

export interface Sides {
  /** The copy, which nobody writes to. */
  readonly source: Side
  readonly target: Side
}

export interface Lacking {
  /** Rows of the copy that were looked at. */
  readonly looked: number
  readonly missing: readonly HashedRow[]
  readonly leftOut: number
  readonly changed: readonly Key[]
}

export interface MissingOptions {
  readonly sides: Sides
  /** Its key is not null. */
  readonly pair: TablePair
  readonly where: string | null
  /** Piece by piece, one at a time. */
  readonly hear: (lacking: Lacking) => Promise<void>
}

/** Keys that are asked for at a time. */
const KEYS_MAX = 5_000
const RANGE = { first: 5_000, least: 1, most: 20_000 }

/** Throws TooSlow when even the smallest piece takes longer than a statement may. */
export async function findMissing(options: MissingOptions): Promise<void> {
  await (options.pair.key?.ordered ? byRanges(options) : byBlocks(options))
}

async function byRanges(options: MissingOptions): Promise<void> {
  const { sides, pair, hear } = options
  const readers = { source: new KeyReader(sides.source, pair), target: new KeyReader(sides.target, pair) }
  const size = new ChunkSize(RANGE)
  // what the live table has behind it was written since, and may be more than a statement can sum up
  const last = await readers.source.last()
  if (last === null) return
  for (let after: Key | null = null; ; ) {
    const piece = await patiently(size, async () => {
      const cut = await readers.source.nth({ after, upTo: null }, size.size)
      return { cut, lacking: await lookInto({ after, upTo: cut ?? last }, readers, options) }
    })
    await hear(piece.lacking)
    if (piece.cut === null) return
    after = piece.cut
  }
}

/** The smaller, the longer it took. */
async function patiently<T>(size: ChunkSize, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const began = performance.now()
    const asked = size.size
    try {
      const answer = await ask()
      size.took(performance.now() - began, asked)
      return answer
    } catch (error) {
      if (!(error instanceof TooSlow) || !size.tooSlow()) throw error
    }
  }
}

async function lookInto(
  range: KeyRange,
  readers: Record<'source' | 'target', KeyReader>,
  options: MissingOptions,
): Promise<Lacking> {
  const sums = await onBothSides((side) => readers[side].sum(range))
  if (same(sums.source, sums.target)) return { looked: sums.source.rows, missing: [], leftOut: 0, changed: [] }
  return holdAgainst(await readers.source.rows(range, sums.source.rows + 1), options)
}

/** Each of these rows of the copy against what is there. */
async function holdAgainst(rows: readonly HashedRow[], { sides, pair, where }: MissingOptions): Promise<Lacking> {
  const hash = `(${rowHash(pair.columns.map(({ target }) => target))})::text AS hash`
  const missing: HashedRow[] = []
  const changed: Key[] = []
  for (const some of slices(rows, KEYS_MAX)) {
    const keys = some.map(({ key }) => key)
    const there = await lookUp<{ hash: string }>(sides.target, keyOf(pair, 'target'), keys, hash)
    for (const [at, row] of some.entries()) {
      const twin = there[at] ?? null
      if (twin === null) missing.push(row)
      else if (twin.hash !== row.hash) changed.push(row.key)
    }
  }
  if (where === null) return { looked: rows.length, missing, leftOut: 0, changed }
  const wanted = await wantedOf([...missing.map(({ key }) => key), ...changed], sides.source, pair, where)
  const kept = missing.filter((_, at) => wanted[at])
  return {
    looked: rows.length,
    missing: kept,
    leftOut: missing.length - kept.length,
    changed: changed.filter((_, at) => wanted[missing.length + at]),
  }
}

async function wantedOf(keys: readonly Key[], copy: Side, pair: TablePair, where: string): Promise<boolean[]> {
  const wanted: boolean[] = []
  for (const some of slices(keys, KEYS_MAX)) {
    const answers = await lookUp<{ wanted: boolean }>(
      copy,
      keyOf(pair, 'source'),
      some,
      `${truthOf(where, pair.source)} AS wanted`,
    )
    wanted.push(...answers.map((answer) => answer?.wanted === true))
  }
  return wanted
}

/** What finds rows of a side by the pair's key. */
export function keyOf(pair: TablePair, side: 'source' | 'target'): Where {
  return { from: fromTable(pair[side]), columns: (pair.key?.columns ?? []).map((column) => column[side].column) }
}

export function* slices<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}

async function byBlocks(options: MissingOptions): Promise<void> {
  const { sides, pair, hear } = options
  const keys = (pair.key?.columns ?? []).map(({ source: { column } }) => outputText(column))
  const hash = rowHash(pair.columns.map(({ source }) => source))
  let heard: Promise<void> = Promise.resolve()
  await overBlocks(sides.source, pair.source, () => false, {
    ask: async ({ from }) => {
      const sql = `SELECT ARRAY[${keys.join(', ')}]::text[] AS key, (${hash})::text AS hash FROM ${from}`
      return holdAgainst(await sides.source.query<HashedRow & Record<string, unknown>>(sql), options)
    },
    hear: (lacking) => {
      heard = heard.then(() => hear(lacking))
      // told below
      heard.catch(() => undefined)
    },
  })
  await heard
}
