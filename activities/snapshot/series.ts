/** The snapshots of one instance, with what the ledger knows of those that say they are ours. */
import type { ManagedPostgres, Owner, SnapshotDescription } from '../../clouds/port'
import type { Cloud } from '../../contracts/fleet'
import {
  FINAL_STATUSES,
  type IsoInstant,
  type OperationDocument,
  type OperationId,
  temporaryName,
} from '../../contracts/operation'
import { keptFrom, OVERWRITE_DOCUMENTS, type OverwritePlan } from '../../contracts/overwrite'
import { copyRegionOf, SNAPSHOT_STEPS, type SnapshotCopyRecord, type SnapshotStanding } from '../../contracts/snapshot'
import { verifiedName } from '../../contracts/verify-backup'
import type { Ledger } from '../../ledger/ledger'
import type { SnapshotProof, SnapshotProofs } from '../../ledger/snapshot-proofs'
import { currentAct } from '../act'
import { withOwner } from './owner'
import { judgeRetention, type SnapshotFacts, type SnapshotOrigin } from './retention'

export interface Series {
  readonly ledger: Ledger
  readonly cloud: ManagedPostgres
  /** Its name, as the ledger has it. */
  readonly cloudName: Cloud
  /** Where they are: another region, which holds copies, or null, the database's own. */
  readonly region: string | null
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
  const known = new Map<OperationId, Promise<ClaimOf>>()
  const found: { description: SnapshotDescription; claim: Claim | null }[] = []
  for (const described of descriptions) {
    const description = await withOwner(series, described)
    const { owner } = description
    let claim: Claim | null = null
    if (owner !== null) {
      const claimOf = known.get(owner.operation) ?? readClaims(series, owner.operation)
      known.set(owner.operation, claimOf)
      claim = (await claimOf)(description)
    }
    found.push({ description, claim })
  }
  // Last of all: what was proven while the rest was asked counts.
  const proofs = await series.ledger.readSnapshotProofs({ cloud: series.cloudName, instanceId })
  const judged = found.map(({ description, claim }) => ({ description, facts: factsOf(description, claim, proofs) }))
  const facts = [...judged.map((snapshot) => snapshot.facts), ...coming]
  const standings = judgeRetention(facts, { instanceId, now: Date.parse(series.now) })
  return judged
    .map((snapshot) => ({ ...snapshot, standing: standings.get(snapshot.facts.name) ?? 'not-ours' }))
    .sort((a, b) => ((a.facts.createdAt ?? '~') < (b.facts.createdAt ?? '~') ? 1 : -1))
}

/** What the ledger knows of a snapshot, but for its proofs. */
export type Claim = Omit<SnapshotOrigin, 'proof' | 'provenHere' | 'beingVerified'>
type ClaimOf = (snapshot: SnapshotDescription) => Claim | null

export function factsOf(
  { name, instanceId, state, createdAt, owner }: SnapshotDescription,
  claim: Claim | null,
  { proofs, underVerification }: SnapshotProofs,
): SnapshotFacts {
  if (claim === null) return { name, instanceId, state, createdAt, origin: null }
  const verified = owner === null ? [name] : verifiedAs(name, owner)
  const said = claim.lasts ? verified.map((one) => proofs.get(one)) : []
  const beingVerified = verified.some((one) => underVerification.has(one))
  const origin = { ...claim, proof: proofOf(said), provenHere: said[0] === 'proven', beingVerified }
  return { name, instanceId, state, createdAt, origin }
}

/** No proof takes back what was found of the same content elsewhere: the run that proved it may not have looked there. */
function proofOf(said: readonly (SnapshotProof | undefined)[]): SnapshotProof | null {
  const known = said.filter((proof) => proof !== undefined)
  if (known.length === 0) return null
  if (known.every((proof) => proof === 'proven')) return 'proven'
  return known.every((proof) => proof === 'failed') ? 'failed' : 'refuted'
}

/** What verifications call the content that a snapshot holds, itself first: of a copy in another region, also the one which its operation took. */
function verifiedAs(name: string, { operation, step }: Pick<Owner, 'operation' | 'step'>): string[] {
  const region = copyRegionOf(step)
  return region === null ? [name] : [verifiedName({ snapshot: name, region }), temporaryName(operation, SNAPSHOT_STEPS.take.id)]
}

/** Tags are a claim that anybody may write. It is ours if it bears the name that the step would give it, and the ledger has it among what
 *  the operation made. */
async function readClaims({ ledger, operation: own, region }: Series, operation: OperationId): Promise<ClaimOf> {
  const record = await ledger.getOperation(operation)
  if (record === null) return () => null
  const made = await ledger.listResources({ operation })
  const ended = FINAL_STATUSES.includes(record.status)
  // What another operation still works on may be taken back by its undo: nothing older may be removed for its sake.
  const settled = ended || operation === own
  const wayBack = record.kind === 'overwrite'
  const promisedUntil = wayBack ? await wayBackUntil(ledger, record) : null
  return ({ name, owner }) => {
    if (owner === null || name !== temporaryName(operation, owner.step)) return null
    // The ledger has names, and regions share none: whoever copies one of ours by hand, with its name and tags, has made what is not ours.
    if (copyRegionOf(owner.step) !== region) return null
    const resource = made.find((resource) => resource.kind === 'snapshot' && resource.name === name)
    if (resource === undefined) return null
    // The cloud was asked before the ledger: what was taken back in between is listed and must not count as a good one.
    const lasts = settled && resource.removedAt === null
    return {
      takenAt: resource.createdAt,
      expiresAt: laterOf(owner.expiresAt, promisedUntil),
      ended,
      // What was overwritten is no good one to go on from, whatever it is worth as the way back.
      sound: lasts && !wayBack && isVerified(record, name, region),
      lasts,
    }
  }
}

/** Null: an end of its own is all that it has, which its tag says. */
function laterOf(own: IsoInstant | null, promised: IsoInstant | null): IsoInstant | null {
  return own === null || promised === null || Date.parse(own) >= Date.parse(promised) ? own : promised
}

/** The way back is kept so long from the end of the overwriting on, which may have waited for a person for days. */
async function wayBackUntil(ledger: Ledger, { id, finishedAt }: OperationDocument): Promise<IsoInstant | null> {
  const plan = (await ledger.getDocument({ operation: id, name: OVERWRITE_DOCUMENTS.plan })) as OverwritePlan | null
  return plan === null || finishedAt === null ? null : keptFrom(finishedAt, plan.keepHours)
}

/** Of an operation that verifies what it takes, the verification's word counts. */
function isVerified({ kind, steps }: OperationDocument, name: string, region: string | null): boolean {
  if (kind !== 'snapshot') return true
  if (region !== null) {
    const copies = (steps.find(({ id }) => id === SNAPSHOT_STEPS.copy.id)?.detail.copies ?? []) as readonly SnapshotCopyRecord[]
    return copies.some(({ snapshot, findings }) => snapshot === name && findings.length === 0)
  }
  const verified = steps.find(({ id }) => id === SNAPSHOT_STEPS.verify.id)
  return verified?.state === 'done' && (verified.detail.findings ?? []).length === 0
}
