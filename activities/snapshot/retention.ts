/** Which snapshots of an instance may go by retention. Pure, and the same for every door: what `list` says is what an expiry does.
 *  Only `expired` ones are ever removed, so whoever adds a reason to stay adds it here. */
import type { ResourceState } from '../../clouds/port'
import type { IsoInstant } from '../../contracts/operation'
import type { SnapshotStanding } from '../../contracts/snapshot'

export interface SnapshotFacts {
  readonly name: string
  readonly instanceId: string
  readonly state: ResourceState
  readonly createdAt: IsoInstant | null
  /** Null: it is not one that the ledger knows an operation of ours has made. */
  readonly origin: SnapshotOrigin | null
}

export interface SnapshotOrigin {
  readonly expiresAt: IsoInstant | null
  /** The operation that took it is over. */
  readonly ended: boolean
  /** It can be relied on: its operation verified it, or is over and does not verify. */
  readonly sound: boolean
}

/** By name. `now`: milliseconds. The order of `snapshots` does not matter. */
export function judgeRetention(
  snapshots: readonly SnapshotFacts[],
  { instanceId, now }: { instanceId: string; now: number },
): ReadonlyMap<string, SnapshotStanding> {
  const lastGood = newestGood(snapshots.filter((snapshot) => snapshot.instanceId === instanceId))
  return new Map(snapshots.map((snapshot) => [snapshot.name, standingOf(snapshot)]))

  function standingOf({ name, instanceId: id, state, origin }: SnapshotFacts): SnapshotStanding {
    if (origin === null) return 'not-ours'
    if (id !== instanceId) return 'other-instance'
    if (state === 'deleting') return 'being-removed'
    if (state === 'changing') return 'being-made'
    if (!origin.ended) return 'in-use'
    if (origin.expiresAt === null) return 'no-retention'
    if (now < Date.parse(origin.expiresAt)) return 'within-retention'
    return name === lastGood ? 'last-good' : 'expired'
  }
}

/** Others' snapshots do not count: whoever took them may remove them at any time. */
function newestGood(snapshots: readonly SnapshotFacts[]): string | null {
  const good = snapshots.filter(({ state, origin }) => state === 'ready' && origin?.sound)
  const order = ({ createdAt, name }: SnapshotFacts): string => `${createdAt ?? ''} ${name}`
  return good.reduce<SnapshotFacts | null>((a, b) => (a === null || order(b) > order(a) ? b : a), null)?.name ?? null
}
