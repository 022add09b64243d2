/** The snapshot operation's plan, as the ledger keeps it. */
import { type InstanceDescription, type ManagedPostgres } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'
import { type Generation, longestHours } from '../../contracts/generations'
import { type OperationId, type Sha256, temporaryName } from '../../contracts/operation'
import {
  type RetentionRecord,
  SNAPSHOT_DOCUMENTS,
  type SnapshotPlan,
  type SnapshotPlanSummary,
  shownKept,
} from '../../contracts/snapshot'
import { sha256Of } from '../../ledger/digest'
import type { Ledger } from '../../ledger/ledger'
import { assertKept, traitsOf } from '../traits'
import { planGenerations } from './generations'
import { reliable } from './kept-until'
import { judgeSeries } from './series'

export interface PlanRequest {
  readonly ledger: Ledger
  readonly cloud: ManagedPostgres
  readonly database: DatabaseEntry
  readonly operation: OperationId
  readonly bundle: Sha256
  readonly target: InstanceDescription
  readonly snapshotStep: string
  readonly retentionHours: number
}

export async function planSnapshot(request: PlanRequest): Promise<SnapshotPlanSummary> {
  const { ledger, cloud, database, operation, bundle, retentionHours } = request
  const { name: instance, instanceId, engineVersion, storage } = request.target
  const { traits } = traitsOf(request.target, cloud.capabilities)
  const policy = database.policy.snapshotGenerations
  // The longest that the policy may ask for: not found out on the first of a month.
  assertKept(instance, policy === undefined ? retentionHours : longestHours(policy), traits)
  const snapshot = temporaryName(operation, request.snapshotStep)
  // Newer than any: once it is there, nothing older is the last good one.
  const now = new Date().toISOString()
  const origin = { takenAt: now, expiresAt: null, ended: true, sound: true, proof: null, beingVerified: false }
  const coming = { name: snapshot, instanceId, state: 'ready', createdAt: '9999', origin } as const
  const judged = await judgeSeries({ ledger, cloud, cloudName: request.target.cloud, instanceId, operation, now }, [coming])
  const expiring = judged.filter(({ standing }) => standing === 'expired').map(({ facts }) => facts.name)
  const generations = policy && { policy, of: generationsOf(planGenerations(policy, now, reliable(judged))) }
  const facts = { version: 1 as const, bundle, instance, instanceId, engineVersion, storage, snapshot, retentionHours, expiring }
  const body = { ...facts, ...(generations && { generations }), ...(traits === undefined ? {} : { traits }) }
  const document: SnapshotPlan = { ...body, digest: sha256Of(body) }
  await ledger.putDocument({ operation, name: SNAPSHOT_DOCUMENTS.plan, document })
  return { digest: document.digest, sizeGib: storage.sizeGib, expiringCount: expiring.length, kept: shownKept(document) }
}

function generationsOf({ generations }: RetentionRecord): Generation[] {
  return generations.map(({ generation }) => generation)
}

export async function readPlan(ledger: Ledger, operation: OperationId): Promise<SnapshotPlan | null> {
  return (await ledger.getDocument({ operation, name: SNAPSHOT_DOCUMENTS.plan })) as SnapshotPlan | null
}
