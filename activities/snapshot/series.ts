/** The snapshots of one instance, with what the ledger knows of those that say they are ours. */
import type { ManagedPostgres, SnapshotDescription } from '../../clouds/port'
import {
  FINAL_STATUSES,
  type IsoInstant,
  type OperationDocument,
  type OperationId,
  temporaryName,
} from '../../contracts/operation'
import { SNAPSHOT_STEPS, type SnapshotStanding } from '../../contracts/snapshot'
import type { Ledger } from '../../ledger/ledger'
import { currentAct } from '../act'
import { withOwner } from './owner'
import { judgeRetention, type SnapshotFacts, type SnapshotOrigin } from './retention'

export interface Series {
  readonly ledger: Ledger
  readonly cloud: ManagedPostgres
  readonly instanceId: string
  /** The operation that asks; null: nobody's. */
  readonly operation: OperationId | null
  /** The instant by which retention is judged: the server's clock, not a worker's. */
  readonly now: IsoInstant
}

export interface JudgedSnapshot {
  readonly description: SnapshotDescription
  readonly facts: SnapshotFacts
  readonly standing: SnapshotStanding
}

/** Newest first. Asks the cloud and the ledger anew each time. `coming`: a snapshot that is planned, as if it were there. */
export async function judgeSeries(series: Series, coming: readonly SnapshotFacts[] = []): Promise<JudgedSnapshot[]> {
  const { cloud, instanceId } = series
  const descriptions = await cloud.listSnapshots({ instanceId }, { signal: currentAct().signal })
  const known = new Map<OperationId, Promise<OriginOf>>()
  const judged: { description: SnapshotDescription; facts: SnapshotFacts }[] = []
  for (const described of descriptions) {
    const description = await withOwner(series, described)
    const { name, state, createdAt, owner } = description
    let origin: SnapshotOrigin | null = null
    if (owner !== null) {
      const originOf = known.get(owner.operation) ?? readOrigin(series, owner.operation)
      known.set(owner.operation, originOf)
      origin = (await originOf)(description)
    }
    judged.push({ description, facts: { name, instanceId: description.instanceId, state, createdAt, origin } })
  }
  const facts = [...judged.map((snapshot) => snapshot.facts), ...coming]
  const standings = judgeRetention(facts, { instanceId, now: Date.parse(series.now) })
  return judged
    .map((snapshot) => ({ ...snapshot, standing: standings.get(snapshot.facts.name) ?? 'not-ours' }))
    .sort((a, b) => ((a.facts.createdAt ?? '~') < (b.facts.createdAt ?? '~') ? 1 : -1))
}

type OriginOf = (snapshot: SnapshotDescription) => SnapshotOrigin | null

/** Tags are a claim that anybody may write. It is ours if it bears the name that the step would give it, and the ledger has it among what
 *  the operation made. */
async function readOrigin({ ledger, operation: own }: Series, operation: OperationId): Promise<OriginOf> {
  const record = await ledger.getOperation(operation)
  if (record === null) return () => null
  const made = await ledger.listResources({ operation })
  const ended = FINAL_STATUSES.includes(record.status)
  // What another operation still works on may be taken back by its undo: nothing older may be removed for its sake.
  const verified = (ended || operation === own) && isVerified(record)
  return ({ name, owner }) => {
    if (owner === null || name !== temporaryName(operation, owner.step)) return null
    const resource = made.find((resource) => resource.kind === 'snapshot' && resource.name === name)
    if (resource === undefined) return null
    // The cloud was asked before the ledger: what was taken back in between is listed and must not count as a good one.
    return { expiresAt: owner.expiresAt, ended, sound: verified && resource.removedAt === null }
  }
}

/** Of an operation that verifies what it takes, the verification's word counts. */
function isVerified({ kind, steps }: OperationDocument): boolean {
  if (kind !== 'snapshot') return true
  const verified = steps.find(({ id }) => id === SNAPSHOT_STEPS.verify.id)
  return verified?.state === 'done' && (verified.detail.findings ?? []).length === 0
}
