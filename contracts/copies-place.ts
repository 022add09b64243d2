/** Where an operation's copies are: beside the instance, or in another region that snapshots are copied into. The bundle says so, which whatever outlives
 *  the operation has too; one from before there was a choice says nothing, and means the database's own region. */
import type { MigrationBundle } from './bundle'
import type { FailureCode } from './failures'
import type { DatabaseEntry } from './fleet'

/** What a region says by itself: it does not answer, does not let us in, or talks nonsense. */
export const WORDS_OF_A_REGION: readonly FailureCode[] = [
  // Whatever it is, it is that region's word, which nobody foresaw.
  'CLOUD_UNEXPECTED',
  'CLOUD_UNREACHABLE',
  'CLOUD_THROTTLED',
  'CLOUD_BUSY',
  'CLOUD_REFUSED',
  'CREDENTIALS_REJECTED',
]

type Asked = Pick<MigrationBundle, 'database' | 'restore' | 'verify'>

/** Null: the database's own. */
export function regionOfCopies({ restore, verify }: Asked): string | null {
  const point = restore?.point ?? verify
  return point?.kind === 'snapshot' ? (point.region ?? null) : null
}

/** The entry, with what the region of the operation's copies has in place of its own. Of the database itself, which is not there, nothing can be asked by
 *  it. No door lets anybody ask for a region of which the entry does not say what copies are given there: that is a defect. */
export function placeOfCopies(bundle: Asked): DatabaseEntry {
  const { database } = bundle
  const region = regionOfCopies(bundle)
  if (region === null) return database
  const there = database.policy.snapshotCopies?.find((copy) => copy.region === region)
  if (database.cloud !== 'aws' || there?.canary === undefined) {
    throw new Error(`the bundle of ${database.name} does not say what a copy in ${region} is given`)
  }
  const { prices: _atHome, ...entry } = database
  return { ...entry, region, canary: there.canary, ...(there.prices && { prices: there.prices }) }
}
