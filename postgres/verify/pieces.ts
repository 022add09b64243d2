/** Ranges of a key whose sums differ, and their pieces. Both sides are looked at at once and nobody is waited for: where they say the same it is
 *  proven, however late one of them is; what differs is a suspect. */
import { onBothSides } from './both-sides'
import { type SideName, same } from './compared'
import { type Found, nameOf } from './found'
import type { KeyRange, KeyReader } from './key-reader'
import type { CaughtUp } from './replication'
import { TooSlow } from './side'

export interface RangesOptions {
  readonly source: KeyReader
  readonly target: KeyReader
  /** Null: nothing is written on either side. */
  readonly caughtUp: CaughtUp | null
  /** Statements of a side at a time. */
  readonly jobs: number
  readonly found: Found
  readonly onChunk: (rows: number) => void
  readonly signal: AbortSignal | undefined
}

export interface Counted {
  readonly source: number
  readonly target: number
}

/** A range of the first pass over the table. */
export interface Whole {
  readonly range: KeyRange
  /** Its sums differed although the target had been waited for, and no row says why. */
  owed: boolean
}

export interface Suspect {
  readonly range: KeyRange
  readonly rows: Counted
  readonly whole: Whole
  /** How often its whole was cut. */
  readonly depth: number
}

export interface Looked {
  readonly rows: Counted
  /** In the key's order. */
  readonly suspects: Suspect[]
}

/** A row is looked at by itself when its range has no more rows than this. */
export const ROWS_OF_A_LEAF = 500
export const PARTS = 16

/** `of`: what the range is a piece of. */
export async function look(range: KeyRange, options: RangesOptions, of: Pick<Suspect, 'whole' | 'depth'>): Promise<Looked> {
  try {
    const sums = await onBothSides((side) => options[side].sum(range))
    const rows = { source: sums.source.rows, target: sums.target.rows }
    return { rows, suspects: same(sums.source, sums.target) ? [] : [{ range, rows, ...of }] }
  } catch (error) {
    if (!(error instanceof TooSlow)) throw error
    return cutSlow(range, options, error.side)
  }
}

/** A range whose sum took too long on `side`, in pieces that take less; one that has none is left, which is never taken for equal. */
async function cutSlow(range: KeyRange, options: RangesOptions, side: SideName): Promise<Looked> {
  for (const rows of [ROWS_OF_A_LEAF, Math.ceil(ROWS_OF_A_LEAF / PARTS), 1]) {
    const looked = await cut(range, options, rows, side)
    if (looked !== null) return looked
  }
  options.found.inexact(`A single key took longer in the ${side} than a statement is allowed, and its rows were not looked at.`)
  return { rows: { source: 0, target: 0 }, suspects: [] }
}

/** Looks at the range in pieces of so many rows of `side`; each is a whole of its own unless `of` says what they are pieces of. Null, with
 *  nothing done: its first piece would be the range itself, since it has no more rows than that there, or they all have the key that ends it. */
export async function cut(
  range: KeyRange,
  options: RangesOptions,
  rows: number,
  side: SideName,
  of?: Pick<Suspect, 'whole' | 'depth'>,
): Promise<Looked | null> {
  const by = options[side]
  const total = { source: 0, target: 0 }
  const suspects: Suspect[] = []
  let end = await by.nth(range, rows)
  if (end === null || (range.upTo !== null && nameOf(end) === nameOf(range.upTo))) return null
  for (let { after } = range; ; ) {
    const piece = { after, upTo: end ?? range.upTo }
    const looked = await look(piece, options, of ?? wholeOf(piece))
    total.source += looked.rows.source
    total.target += looked.rows.target
    suspects.push(...looked.suspects)
    if (end === null) return { rows: total, suspects }
    after = end
    end = await by.nth({ after, upTo: range.upTo }, rows)
  }
}

export const wholeOf = (range: KeyRange): Pick<Suspect, 'whole' | 'depth'> => ({ whole: { range, owed: false }, depth: 0 })

/** The side that has more rows of it. */
export const moreOn = ({ source, target }: Counted): SideName => (target > source ? 'target' : 'source')
