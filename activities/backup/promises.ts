/** What a verification promises to prove, rung by rung: by what is known before anything is restored. */
import type { ManagedPostgres } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { OperationId } from '../../contracts/operation'
import { type PlannedPoint, type PlannedRung, RUNGS, type RungId } from '../../contracts/verify-backup'
import type { Ledger } from '../../ledger/ledger'
import { currentAct } from '../act'
import { withOwner } from '../snapshot/owner'

type Promised = Omit<PlannedRung, 'id'>

/** Operations that left manifests which tell of the point. */
interface Manifested {
  readonly takenBy: OperationId | null
  readonly since: OperationId | null
}

export function plannedRungs(database: DatabaseEntry, point: PlannedPoint, manifested: Manifested): PlannedRung[] {
  const promises: Readonly<Record<RungId, Promised>> = {
    exists: { promised: true, why: 'by the cloud’s own listing' },
    answers: { promised: true, why: 'the copy takes a connection, as what it was backed up as' },
    reached: reached(point),
    intact: { promised: true, why: 'every index and block that PostgreSQL’s amcheck knows how to check' },
    content: content(point, manifested),
    use: use(database),
  }
  return RUNGS.map((id) => ({ id, ...promises[id] }))
}

function content({ kind }: PlannedPoint, { takenBy, since }: Manifested): Promised {
  switch (kind) {
    case 'snapshot':
      return takenBy === null
        ? { promised: false, why: 'no manifests of this database were taken around this backup' }
        : { promised: true, why: `against the manifests of ${takenBy}` }
    case 'now':
      return { promised: true, why: 'against two readings of the database of its own, before the moment and after it' }
    case 'moment':
      return since === null
        ? { promised: false, why: 'no manifest of this database was taken before this moment' }
        : { promised: false, why: `as far as rows of the first manifest of ${since} still stand unchanged` }
  }
}

function use({ checks: { rowCounts, invariants, smoke }, verification }: DatabaseEntry): Promised {
  const checks = rowCounts.length + invariants.length + smoke.length
  const logins = 1 + (verification?.logins?.length ?? 0)
  if (checks === 0 && logins === 1) return { promised: false, why: 'neither checks nor logins are declared in the fleet file' }
  const shown = logins === 1 ? 'a login' : `${logins} logins`
  return { promised: true, why: `${checks} declared check${checks === 1 ? '' : 's'}, and ${shown}` }
}

function reached({ kind }: PlannedPoint): Promised {
  switch (kind) {
    case 'snapshot':
      return { promised: false, why: 'a snapshot is restored as it is, to no moment' }
    case 'moment':
      return { promised: false, why: 'proven only if earlier verifications left heartbeats before it and after it' }
    case 'now':
      return { promised: true, why: 'between two heartbeats of its own' }
  }
}

/** The operation of ours that took the snapshot for this very database, if the ledger knows that it did: `capstan snapshot` leaves manifests around
 *  it, and one that could not proves less than it promises. Databases of one instance share its snapshots, and a manifest tells of one of them. */
export async function takerOf(
  { ledger, cloud }: { ledger: Ledger; cloud: ManagedPostgres },
  { instance, database }: Pick<DatabaseEntry, 'instance' | 'database'>,
  point: PlannedPoint,
): Promise<OperationId | null> {
  if (point.kind !== 'snapshot') return null
  const found = await cloud.describeSnapshot({ instance, name: point.snapshot }, { signal: currentAct().signal })
  if (found === null) return null
  const { owner } = await withOwner({ ledger, cloud }, found)
  if (owner === null) return null
  const { operation } = owner
  // Tags are a claim that anybody may write.
  const made = await ledger.listResources({ operation })
  if (!made.some(({ kind, name }) => kind === 'snapshot' && name === point.snapshot)) return null
  // A migration takes one, too, and no manifests.
  if ((await ledger.getOperation(operation))?.kind !== 'snapshot') return null
  const { bundle } = await ledger.getOrigin(operation)
  return (await ledger.getBundle(bundle)).database.database === database ? operation : null
}
