/** The snapshot operation's plan, as the ledger keeps it. */
import { type InstanceDescription, type ManagedPostgres } from '../../clouds/port'
import { type OperationId, type Sha256, temporaryName } from '../../contracts/operation'
import { SNAPSHOT_DOCUMENTS, type SnapshotPlan, type SnapshotPlanSummary } from '../../contracts/snapshot'
import { sha256Of } from '../../ledger/digest'
import type { Ledger } from '../../ledger/ledger'
import { assertKept, traitsOf } from '../traits'
import { judgeSeries } from './series'

export interface PlanRequest {
  readonly ledger: Ledger
  readonly cloud: ManagedPostgres
  readonly operation: OperationId
  readonly bundle: Sha256
  readonly target: InstanceDescription
  readonly snapshotStep: string
  readonly retentionHours: number
}

export async function planSnapshot(request: PlanRequest): Promise<SnapshotPlanSummary> {
  const { ledger, cloud, operation, bundle, retentionHours } = request
  const { name: instance, instanceId, engineVersion, storage } = request.target
  const { traits } = traitsOf(request.target, cloud.capabilities)
  assertKept(instance, retentionHours, traits)
  const snapshot = temporaryName(operation, request.snapshotStep)
  // Newer than any: once it is there, nothing older is the last good one.
  const origin = { expiresAt: null, ended: true, sound: true }
  const coming = { name: snapshot, instanceId, state: 'ready', createdAt: '9999', origin } as const
  const judged = await judgeSeries({ ledger, cloud, instanceId, operation, now: new Date().toISOString() }, [coming])
  const expiring = judged.filter(({ standing }) => standing === 'expired').map(({ facts }) => facts.name)
  const facts = { version: 1 as const, bundle, instance, instanceId, engineVersion, storage, snapshot, retentionHours, expiring }
  const body = { ...facts, ...(traits === undefined ? {} : { traits }) }
  const document: SnapshotPlan = { ...body, digest: sha256Of(body) }
  await ledger.putDocument({ operation, name: SNAPSHOT_DOCUMENTS.plan, document })
  return { digest: document.digest, sizeGib: storage.sizeGib, expiringCount: expiring.length }
}

export async function readPlan(ledger: Ledger, operation: OperationId): Promise<SnapshotPlan | null> {
  return (await ledger.getDocument({ operation, name: SNAPSHOT_DOCUMENTS.plan })) as SnapshotPlan | null
}
