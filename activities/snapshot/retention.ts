/** Which snapshots of an instance may go by retention. Pure, and the same for every door: what `list` says is what an expiry does.
 *  Only `expired` ones are ever removed, so whoever adds a reason to stay adds it here. */
import { isUnknownInstance } from '../../clouds/owner'
import type { ResourceState } from '../../clouds/port'
import type { IsoInstant } from '../../contracts/operation'
import type { SnapshotStanding } from '../../contracts/snapshot'
import type { SnapshotProof } from '../../ledger/snapshot-proofs'

export interface SnapshotFacts {
  readonly name: string
  readonly instanceId: string
  readonly state: ResourceState
  readonly createdAt: IsoInstant | null
  /** Null: it is not one that the ledger knows an operation of ours has made. */
  readonly origin: SnapshotOrigin | null
}

export interface SnapshotOrigin {
  /** When its taking was begun, by the clock that its end was reckoned from. */
  readonly takenAt: IsoInstant
  readonly expiresAt: IsoInstant | null
  /** The operation that took it is over. */
  readonly ended: boolean
  /** It can be relied on: its operation verified it, or is over and does not verify. */
  readonly sound: boolean
  /** Nobody takes it back any more. */
  readonly lasts: boolean
  /** What verifications of it came to; null: they say nothing of it, or its operation may still take it back. */
  readonly proof: SnapshotProof | null
  /** It was itself restored and proven, not only what it is a copy of, and no later verification of it found it wanting. */
  readonly provenHere: boolean
  /** A verification restores it just now: it may be the next one that is proven. */
  readonly beingVerified: boolean
}

/** By name. `now`: milliseconds. The order of `snapshots` does not matter. */
export function judgeRetention(
  snapshots: readonly SnapshotFacts[],
  { instanceId, now }: { instanceId: string; now: number },
): ReadonlyMap<string, SnapshotStanding> {
  // Others' snapshots do not count: whoever took them may remove them at any time.
  const ready = snapshots.filter(({ instanceId: id, state, origin }) => id === instanceId && state === 'ready' && origin !== null)
  const sound = ready.filter(({ origin }) => origin?.sound)
  const lastGood = newest(sound.filter(({ origin }) => origin !== null && !isWanting(origin)))
  // Where each of them was found wanting, also right when it was taken, a damaged one is more than none at all.
  const left = ready.filter(({ origin }) => origin?.ended && origin.lasts)
  const lastOfAll = lastGood === null ? (newest(sound) ?? newest(left)) : null
  const proven = ready.filter(({ origin }) => origin?.proof === 'proven' || origin?.proof === 'refuted')
  // Usually one. Where a later verification found the newest one wanting, the one before it must not go for its sake.
  // Nor may the one that was restored where it lies go for one of which only the source was.
  const lastProven = [
    newest(proven),
    newest(proven.filter(({ origin }) => origin?.proof === 'proven')),
    newest(ready.filter(({ origin }) => origin?.provenHere)),
  ]
  return new Map(snapshots.map((snapshot) => [snapshot.name, standingOf(snapshot)]))

  function standingOf({ name, instanceId: id, state, origin }: SnapshotFacts): SnapshotStanding {
    if (origin === null) return 'not-ours'
    // Two that are gone may have borne the name: none may go for the other's sake.
    if (id !== instanceId || isUnknownInstance(id)) return 'other-instance'
    if (state === 'deleting') return 'being-removed'
    if (state === 'changing') return 'being-made'
    if (!origin.ended) return 'in-use'
    if (origin.expiresAt === null) return 'no-retention'
    if (now < Date.parse(origin.expiresAt)) return 'within-retention'
    if (name === lastGood) return 'last-good'
    if (name === lastOfAll) return 'last-of-all'
    if (lastProven.includes(name)) return 'last-proven'
    return origin.beingVerified ? 'being-verified' : 'expired'
  }
}

/** The last verification that says anything of it, or of what it is a copy of, found it wanting. */
export const isWanting = ({ proof }: Pick<SnapshotOrigin, 'proof'>): boolean => proof === 'refuted' || proof === 'failed'

function newest(snapshots: readonly SnapshotFacts[]): string | null {
  const order = ({ createdAt, name }: SnapshotFacts): string => `${createdAt ?? ''} ${name}`
  return snapshots.reduce<SnapshotFacts | null>((a, b) => (a === null || order(b) > order(a) ? b : a), null)?.name ?? null
}
