/** What differs under `live`, looked at again: the source is read, the target is waited for until it has all of that, and read. One wait is for
 *  everything that is asked at the time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Sum, same } from './compared'
import { nameOf } from './found'
import { answersTo } from './in-order'
import type { Key, KeyRange, KeyReader, RowVersion } from './key-reader'
import type { RangesOptions, Suspect } from './pieces'
import type { CaughtUp } from './replication'
import { TooSlow } from './side'

/** Looks at what keeps changing, and waits between them. While half of it settles at each look, they are not counted. */
const LOOKS = 6
const WAIT_MS = { first: 100, most: 2_000 }
/** A row of the target that differs from a source that stood still, so many times. */
const PROOFS = 2
/** Rows of one key, which a damaged index may have let in. */
const TWINS_MAX = 10_000

export interface OpenRows {
  readonly leaf: Suspect
  readonly rows: ReadonlyMap<string, OpenRow>
}

interface OpenRow {
  readonly key: Key
  readonly proofs: number
  /** The version that the target had when it was looked at last. Null: none, or it was not looked at. */
  readonly there: string | null
}

/** Those whose sums still differ. What takes too long is one of them: in pieces it may not. */
export async function differingStill(
  suspects: readonly Suspect[],
  { source, target, jobs }: RangesOptions,
  caughtUp: CaughtUp,
): Promise<Suspect[]> {
  if (suspects.length === 0) return []
  const was = await answersTo(jobs, suspects, ({ range }) => sumOf(source, range))
  await caughtUp()
  const there = await answersTo(jobs, suspects, ({ range }) => sumOf(target, range))
  return suspects.flatMap((suspect, at): Suspect[] => {
    const [one, other] = [was[at] ?? null, there[at] ?? null]
    if (one !== null && other !== null && same(one, other)) return []
    if (suspect.depth === 0) suspect.whole.owed = true
    return [one === null || other === null ? suspect : { ...suspect, rows: { source: one.rows, target: other.rows } }]
  })
}

/** Null: it takes too long. */
async function sumOf(reader: KeyReader, range: KeyRange): Promise<Sum | null> {
  try {
    return await reader.sum(range)
  } catch (error) {
    if (error instanceof TooSlow) return null
    throw error
  }
}

/** Looks at single rows until each is the same, or is proven to differ, or never stood still. Each is read as the sum of its leaf was read, and not
 *  by its key: an index that hides a row would hide it here, and the sums said that there is something. */
export async function settle(leaves: readonly OpenRows[], options: RangesOptions, caughtUp: CaughtUp): Promise<void> {
  const { source, target, jobs, found, signal } = options
  const look = async (open: readonly OpenRows[]): Promise<OpenRows[]> => {
    const before = await answersTo(jobs, open, (one) => seenOf(source, one))
    await caughtUp()
    const there = await answersTo(jobs, open, (one) => seenOf(target, one))
    const after = await answersTo(jobs, open, (one) => seenOf(source, one))
    return open.flatMap((one, at) => judged(one, [before[at], there[at], after[at]], options))
  }
  const open = await lookAgain(leaves, rowsIn, look, signal)
  for (const { leaf } of open) leaf.whole.owed = false
  found.unsettled += rowsIn(open)
}

/** Looks until nothing is open, as long as it gets less. Resolves to what never settled. */
export async function lookAgain<T>(
  all: readonly T[],
  countOf: (open: readonly T[]) => number,
  look: (open: readonly T[]) => Promise<readonly T[]>,
  signal: AbortSignal | undefined,
): Promise<readonly T[]> {
  let open = all
  for (let looks = 0, had = countOf(open); looks < LOOKS && open.length > 0; ) {
    open = await look(open)
    const left = countOf(open)
    looks = 2 * left <= had ? looks : looks + 1
    had = left
    if (left > 0 && looks < LOOKS) await sleep(Math.min(WAIT_MS.first * 2 ** looks, WAIT_MS.most), undefined, { signal })
  }
  return open
}

const rowsIn = (leaves: readonly OpenRows[]): number => leaves.reduce((sum, { rows }) => sum + rows.size, 0)

/** Of all rows of one key, of which a damaged index may have let in several. */
interface Seen {
  readonly hashes: string
  readonly versions: string
}

type SeenByKey = ReadonlyMap<string, Seen> | null | undefined

/** What stays open of a leaf, which is nothing when all of its rows are settled. */
function judged({ leaf, rows }: OpenRows, [before, there, after]: readonly SeenByKey[], { found }: RangesOptions): OpenRows[] {
  // not all of it was read
  if (!before || !there || !after) return [{ leaf, rows }]
  const open = new Map<string, OpenRow>()
  for (const [name, row] of rows) {
    const [was, twin, is] = [before.get(name), there.get(name), after.get(name)]
    if (twin?.hashes === was?.hashes || twin?.hashes === is?.hashes) continue
    const { key } = row
    const proofs = proofsWith(row, was, twin, is)
    if (proofs < PROOFS) open.set(name, { key, proofs, there: twin?.versions ?? null })
    else {
      found.add(is === undefined ? 'only-in-target' : twin === undefined ? 'only-in-source' : 'changed', key)
      leaf.whole.owed = false
    }
  }
  return open.size === 0 ? [] : [{ leaf, rows: open }]
}

/** How often it was proven to differ, this look at it included. A row that the source changed and changed back says what it said before and did
 *  not stand still: only its version tells. One that the source has not, and may have had for a moment, has none: then the target's tells, which
 *  an honest target would have replaced had it seen the source without the row since the look before. */
function proofsWith({ proofs, there }: OpenRow, was: Seen | undefined, twin: Seen | undefined, is: Seen | undefined): number {
  if (was?.versions !== is?.versions) return proofs
  return was === undefined && twin?.versions !== there ? 1 : proofs + 1
}

/** Null: they are too many to be read. */
async function seenOf(reader: KeyReader, { leaf, rows }: OpenRows): Promise<Map<string, Seen> | null> {
  const most = rows.size + TWINS_MAX
  const keys = [...rows.values()].map(({ key }) => key)
  const all = await reader.among(leaf.range, keys, most)
  return all.length === most ? null : byKey(all)
}

function byKey(rows: readonly RowVersion[]): Map<string, Seen> {
  const known = new Map<string, RowVersion[]>()
  for (const row of rows) known.set(nameOf(row.key), [...(known.get(nameOf(row.key)) ?? []), row])
  const joined = (texts: string[]): string => texts.sort().join(' ')
  return new Map(
    [...known].map(([name, all]) => [
      name,
      { hashes: joined(all.map(({ hash }) => hash)), versions: joined(all.map(({ version }) => version)) },
    ]),
  )
}
