/** Which generations a snapshot is of, decided when it is taken: it is its week's, month's or year's if none before it is. Pure.
 *  The first one, not the last: that it is the first is known at once, and that it was the last only when it should have been marked long ago. */
import type { GenerationPolicy } from '../../contracts/fleet'
import { bucketOf, endOf, GENERATIONS, type Generation } from '../../contracts/generations'
import type { IsoInstant } from '../../contracts/operation'
import type { RetentionRecord } from '../../contracts/snapshot'

/** A good one of the same instance, which nobody takes back. */
export interface KeptSnapshot {
  readonly takenAt: IsoInstant
  /** Null: it is kept for good. */
  readonly expiresAt: IsoInstant | null
}

/** Every one is kept as a daily one, also a second one of a day: whoever takes one by hand, or migrates, needs it next week. The order of
 *  `earlier` does not matter, and neither does what made it: whatever is kept as long as the generation asks stands for it, so that a policy that asks for
 *  more than before holds from the next snapshot on. */
export function planGenerations(
  policy: GenerationPolicy,
  takenAt: IsoInstant,
  earlier: readonly KeptSnapshot[],
): RetentionRecord {
  const generations = GENERATIONS.filter((generation) => {
    if (policy[generation] === 0) return false
    return generation === 'daily' || !earlier.some((one) => standsFor(one, generation))
  }).map((generation) => ({ generation, until: endOf(generation, takenAt, policy) }))
  const ends = generations.map(({ until }) => until)
  return { version: 1, takenAt, expiresAt: ends.reduce((a, b) => (a > b ? a : b), takenAt), generations }

  function standsFor(one: KeptSnapshot, generation: Generation): boolean {
    if (bucketOf(generation, one.takenAt) !== bucketOf(generation, takenAt)) return false
    return one.expiresAt === null || one.expiresAt >= endOf(generation, one.takenAt, policy)
  }
}
