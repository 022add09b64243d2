/** Compares a table by ranges of its key: those whose sums differ are cut, down to single rows.
 *
 *  Under `live` a target that is late differs nearly everywhere, and waiting for it at every place would let it fall further behind. So the table is
 *  looked at without waiting; then all that differed is looked at again: the source first, then the target is waited for once, then the target. What
 *  still differs is cut, and its pieces are the next round. There are as many waits as rounds: how deep the cuts go, not how many there are. */
import { onBothSides } from './both-sides'
import { ChunkSize } from './chunk-size'
import type { SideName } from './compared'
import { differing, nameOf, TOLD_MAX } from './found'
import { holdAgainst } from './hold-against'
import { answersTo, inOrder } from './in-order'
import type { Key, KeyRange } from './key-reader'
import { cut, look, moreOn, PARTS, type RangesOptions, ROWS_OF_A_LEAF, type Suspect, wholeOf } from './pieces'
import { differingStill, type OpenRows, settle } from './settle'
import { TooSlow } from './side'

/** Suspects of a round under `live`. Of each round above it at most PARTS times as many wait meanwhile: a few tens of megabytes. What is more than
 *  that comes in a later round, and costs another wait. */
const SUSPECTS_MAX = 1_000
/** Keys of rows that are looked at in one round. */
const KEYS_MAX = 50_000
/** Rows of a leaf that are read: it may have grown since it was summed. */
const ROWS_MAX = 20 * ROWS_OF_A_LEAF
/** PARTS to the power of this is more than any table has rows; a range that was cut more often grows as fast as it is cut. */
const DEPTH_MAX = 12

/** Resolves to the rows of each side, each as of its range's own snapshot. Throws FellBehind. */
export async function compareRanges(options: RangesOptions): Promise<{ source: number; target: number }> {
  const { caughtUp, found, jobs, onChunk } = options
  const size = new ChunkSize({ first: 20_000, least: 1_000, most: 5_000_000 })
  const rows = { source: 0, target: 0 }
  const walk = caughtUp === null ? walkOf(options, size, [null]) : walkOf(options, size, await ends(options))
  while (!walk.ended && !found.full) {
    const suspects: Suspect[] = []
    await inOrder({
      lanes: jobs,
      next: async () => (suspects.length >= widthOf(options) ? null : walk.next()),
      work: async (range) => {
        const began = performance.now()
        const looked = await look(range, options, wholeOf(range))
        if (looked.suspects.length === 0) size.took(performance.now() - began, Math.max(looked.rows.source, 1))
        return looked
      },
      hear: (looked) => {
        rows.source += looked.rows.source
        rows.target += looked.rows.target
        suspects.push(...looked.suspects)
        onChunk(looked.rows.source)
      },
    })
    await narrow(suspects, options)
    if (caughtUp !== null) await holdAgainst(suspects, options, caughtUp)
  }
  if (found.full && !walk.ended) found.exact = false
  return rows
}

/** Without waits a round costs nothing, and what is told first is found first. */
const widthOf = ({ caughtUp, jobs }: RangesOptions): number => (caughtUp === null ? jobs : SUSPECTS_MAX)

/** Under `live`: the last key of each side as it is now. What comes behind both came later, and is not chased: it is no part of what was asked. */
async function ends({ source, target }: RangesOptions): Promise<(Key | null)[]> {
  const [one, other] = [await source.last(), await target.last()]
  if (one === null || other === null) return [one ?? other]
  return nameOf(one) === nameOf(other) ? [one] : [one, other]
}

interface Walk {
  readonly ended: boolean
  next(): Promise<KeyRange | null>
}

/** The ranges of the table up to the first of `upTos`, from there to the second, which may lie before it: then there is nothing in between. Null: to
 *  the very last. */
function walkOf({ source }: RangesOptions, size: ChunkSize, upTos: readonly (Key | null)[]): Walk {
  const left = [...upTos]
  let after: Key | null = null
  return {
    get ended() {
      return left.length === 0
    },
    async next() {
      const [upTo] = left
      if (upTo === undefined) return null
      const end = await patiently(size, () => source.nth({ after, upTo }, size.size))
      const range = { after, upTo: end ?? upTo }
      if (end === null || (upTo !== null && nameOf(end) === nameOf(upTo))) left.shift()
      after = range.upTo
      return range
    },
  }
}

async function patiently<T>(size: ChunkSize, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof TooSlow) || !size.tooSlow()) throw error
    }
  }
}

/** Looks into suspects round by round, the deepest first, so that few have to be kept. */
async function narrow(suspects: readonly Suspect[], options: RangesOptions): Promise<void> {
  const { caughtUp, found } = options
  const width = widthOf(options)
  let rest = [...suspects]
  let leaves: Suspect[] = []
  while (rest.length + leaves.length > 0 && !found.full) {
    const some = rest.slice(0, width)
    const divided = await divide(caughtUp === null ? some : await differingStill(some, options, caughtUp), options)
    rest = [...divided.parts, ...rest.slice(width)]
    leaves.push(...divided.leaves)
    if (rest.length > 0 && leaves.length < width) continue
    rest = [...(await lookIntoLeaves(leaves, options)), ...rest]
    leaves = []
  }
  if (rest.length + leaves.length > 0) found.exact = false
}

interface Divided {
  readonly parts: Suspect[]
  /** To be looked at row by row. */
  readonly leaves: Suspect[]
}

async function divide(suspects: readonly Suspect[], options: RangesOptions): Promise<Divided> {
  const divided = await answersTo(options.jobs, suspects, (suspect) => divideOne(suspect, options))
  return { parts: divided.flatMap(({ parts }) => parts), leaves: divided.flatMap(({ leaves }) => leaves) }
}

async function divideOne(suspect: Suspect, options: RangesOptions): Promise<Divided> {
  const { rows, range, whole, depth } = suspect
  const { caughtUp, found } = options
  const most = Math.max(rows.source, rows.target)
  if (most <= ROWS_OF_A_LEAF) return { parts: [], leaves: [suspect] }
  if (caughtUp === null && (rows.source === 0 || rows.target === 0)) {
    await count(suspect, rows.target === 0 ? 'source' : 'target', options)
    return { parts: [], leaves: [] }
  }
  if (depth >= DEPTH_MAX) {
    found.inexact('A range of its key grew as fast as it was looked at.')
    return { parts: [], leaves: [] }
  }
  const piece = Math.max(ROWS_OF_A_LEAF, Math.ceil(most / PARTS))
  const looked = await cut(range, options, piece, moreOn(rows), { whole, depth: depth + 1 })
  return looked === null ? { parts: [], leaves: [suspect] } : { parts: looked.suspects, leaves: [] }
}

/** All rows of a range that only `side` has, of which the first are named. */
async function count({ range, rows }: Suspect, side: SideName, { [side]: there, found }: RangesOptions): Promise<void> {
  const kind = side === 'source' ? 'only-in-source' : 'only-in-target'
  const first = await there.rows(range, TOLD_MAX - found.told.length)
  for (const { key } of first) found.add(kind, key)
  found.addMany(kind, rows[side] - first.length)
}

/** Resolves to the pieces of leaves that have grown since they were summed. */
async function lookIntoLeaves(leaves: readonly Suspect[], options: RangesOptions): Promise<Suspect[]> {
  const { caughtUp, found, jobs } = options
  const pieces: Suspect[] = []
  const left = [...leaves]
  while (left.length > 0 && !found.full) {
    const open: OpenRows[] = []
    let keys = 0
    await inOrder({
      lanes: jobs,
      next: () => (found.full || keys >= KEYS_MAX ? null : (left.shift() ?? null)),
      work: async (leaf) => ({ leaf, ...(await rowsOf(leaf, options)) }),
      hear: ({ leaf, grown, differ }) => {
        pieces.push(...grown)
        if (caughtUp === null) for (const { kind, key } of differ) found.add(kind, key)
        else if (differ.length > 0)
          open.push({ leaf, rows: new Map(differ.map(({ key }) => [nameOf(key), { key, proofs: 0, there: null }])) })
        keys += differ.length
      },
    })
    if (caughtUp !== null) await settle(open, options, caughtUp)
  }
  if (left.length > 0) found.exact = false
  return pieces
}

interface RowsOfLeaf {
  readonly differ: ReturnType<typeof differing>
  readonly grown: readonly Suspect[]
}

async function rowsOf({ range, whole, depth }: Suspect, options: RangesOptions): Promise<RowsOfLeaf> {
  const { source, target } = await onBothSides((side) => options[side].rows(range, ROWS_MAX))
  if (Math.max(source.length, target.length) < ROWS_MAX) return { differ: differing(source, target), grown: [] }
  const side = moreOn({ source: source.length, target: target.length })
  const looked = depth < DEPTH_MAX ? await cut(range, options, ROWS_OF_A_LEAF, side, { whole, depth: depth + 1 }) : null
  if (looked === null) options.found.inexact('One key has too many rows on one side to tell which of them differ.')
  return { differ: [], grown: looked?.suspects ?? [] }
}
