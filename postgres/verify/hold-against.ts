/** Ranges whose sums differed although the target had been waited for, and in which no row differs: as a rule because the source moved meanwhile.
 *  That every piece agreed is not enough: pieces are found by the key's index, which may hide what the sum saw. A range that is written to all the
 *  time never agrees as a whole, so each is held against the target by the hash of the key, read the way its sum was read: a bucket is settled
 *  once the target says what the source said before or after. */
import { same } from './compared'
import { answersTo } from './in-order'
import { BUCKETS, type Bucket, type KeyRange } from './key-reader'
import type { RangesOptions, Suspect } from './pieces'
import type { CaughtUp } from './replication'
import { lookAgain } from './settle'

/** Held at a time, with three times as many buckets each at most: some ten megabytes. */
const RANGES_MAX = 32

interface OpenRange {
  readonly range: KeyRange
  /** Null: all of them. */
  readonly buckets: readonly number[] | null
  /** Versions of the target's rows in each, as they were when it was looked at last. */
  readonly there: ReadonlyMap<number, bigint>
}

/** Makes `found` inexact when a range neither agreed nor stood still; proven, when the source stood still, and the target, which has all of it,
 *  says something else all the same. */
export async function holdAgainst(suspects: readonly Suspect[], options: RangesOptions, caughtUp: CaughtUp): Promise<void> {
  const { found, signal } = options
  const wholes = [...new Set(suspects.map(({ whole }) => whole))].filter(({ owed }) => owed)
  for (let at = 0; at < wholes.length && found.exact; at += RANGES_MAX) {
    const open = wholes.slice(at, at + RANGES_MAX).map(({ range }) => ({ range, buckets: null, there: new Map() }))
    const left = await lookAgain<OpenRange>(open, countOf, (some) => lookAt(some, options, caughtUp), signal)
    if (left.length > 0)
      found.inexact(
        'The sums of a range of its key differed at every look, and never stood still: compare again when less is written.',
      )
  }
}

const countOf = (open: readonly OpenRange[]): number =>
  open.reduce((sum, { buckets }) => sum + (buckets === null ? BUCKETS : buckets.length), 0)

type Buckets = ReadonlyMap<number, Bucket>

/** Those that stay open; none once one is proven to differ. */
async function lookAt(
  open: readonly OpenRange[],
  { source, target, jobs, found }: RangesOptions,
  caughtUp: CaughtUp,
): Promise<OpenRange[]> {
  const before = await answersTo(jobs, open, ({ range, buckets }) => source.buckets(range, buckets))
  await caughtUp()
  const since = await answersTo(jobs, open, async ({ range, buckets }) => ({
    there: await target.buckets(range, buckets),
    after: await source.buckets(range, buckets),
  }))
  let proven = false
  const left = open.flatMap((one, at): OpenRange[] => {
    const was = before[at] ?? NOTHING
    const { there, after } = since[at] ?? { there: NOTHING, after: NOTHING }
    const buckets = unlike(was, there, after)
    // A row that comes and goes leaves no version in the source; the target's would be another than at the look before, as in `settle`.
    proven ||= buckets.some(
      (bucket) => versionsOf(was, bucket) === versionsOf(after, bucket) && versionsOf(there, bucket) === one.there.get(bucket),
    )
    const versions = new Map(buckets.map((bucket) => [bucket, versionsOf(there, bucket)]))
    return buckets.length === 0 ? [] : [{ range: one.range, buckets, there: versions }]
  })
  if (!proven) return left
  found.proven = true
  found.inexact('The sums of a range of its key differ, and no row in it does: an index may not agree with its table.')
  return []
}

/** Buckets of which the target says neither what the source said before nor what it says after. */
function unlike(was: Buckets, there: Buckets, is: Buckets): number[] {
  const all = [...new Set([...was.keys(), ...there.keys(), ...is.keys()])]
  return all.filter((bucket) => !alike(there, was, bucket) && !alike(there, is, bucket))
}

const NOTHING: Buckets = new Map()
const EMPTY: Bucket = { rows: 0, sum: 0n, versions: 0n }

function alike(a: Buckets, b: Buckets, bucket: number): boolean {
  return same(a.get(bucket) ?? EMPTY, b.get(bucket) ?? EMPTY)
}

const versionsOf = (buckets: Buckets, bucket: number): bigint => (buckets.get(bucket) ?? EMPTY).versions
