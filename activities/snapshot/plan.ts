/** The snapshot operation's plan, as the ledger keeps it. */
import { type InstanceDescription, type ManagedPostgres } from '../../clouds/port'
import { failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import { type Generation, longestHours } from '../../contracts/generations'
import { type OperationId, type Sha256, temporaryName } from '../../contracts/operation'
import {
  copyStepOf,
  type PlannedSnapshotCopy,
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
import { unlessOutOfReach } from './region'
import type { SnapshotFacts } from './retention'
import { type JudgedSnapshot, judgeSeries, type Series } from './series'

export interface PlanRequest {
  readonly ledger: Ledger
  readonly cloud: ManagedPostgres
  /** The same in another region. */
  readonly cloudIn: (region: string) => ManagedPostgres
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
  const now = new Date().toISOString()
  const series = { ledger, cloud, cloudName: request.target.cloud, region: null, instanceId, operation, now }
  const judged = await judgeSeries(series, [coming(snapshot, series)])
  const expiring = expiringOf(judged)
  const copies = await planCopies(request, series)
  const generations = policy && { policy, of: generationsOf(planGenerations(policy, now, reliable(judged))) }
  const facts = { version: 1 as const, bundle, instance, instanceId, engineVersion, storage, snapshot, retentionHours, expiring }
  const body = {
    ...facts,
    ...(generations && { generations }),
    ...(copies && { copies }),
    ...(traits === undefined ? {} : { traits }),
  }
  const document: SnapshotPlan = { ...body, digest: sha256Of(body) }
  await ledger.putDocument({ operation, name: SNAPSHOT_DOCUMENTS.plan, document })
  const expiringCount = expiring.length + (copies ?? []).reduce((sum, copy) => sum + (copy.expiring?.length ?? 0), 0)
  return { digest: document.digest, sizeGib: storage.sizeGib, expiringCount, kept: shownKept(document) }
}

/** Newer than any: once it is there, nothing older is the last good one. */
function coming(name: string, { instanceId, now }: Pick<Series, 'instanceId' | 'now'>): SnapshotFacts {
  const unverified = { proof: null, provenHere: false, beingVerified: false }
  const origin = { takenAt: now, expiresAt: null, ended: true, sound: true, lasts: true, ...unverified }
  return { name, instanceId, state: 'ready', createdAt: '9999', origin }
}

function expiringOf(judged: readonly JudgedSnapshot[]): string[] {
  return judged.filter(({ standing }) => standing === 'expired').map(({ facts }) => facts.name)
}

/** A region that cannot be asked keeps nobody from a snapshot: the plan says so. */
async function planCopies(
  { cloudIn, database, operation, cloud, target }: PlanRequest,
  own: Series,
): Promise<PlannedSnapshotCopy[] | undefined> {
  const wanted = database.policy.snapshotCopies
  if (wanted === undefined) return undefined
  if (!cloud.capabilities.snapshotCopies) {
    const message = `${target.cloud} copies no snapshot into another region; take snapshotCopies out of the policy of ${database.name}.`
    throw failure('CLOUD_REFUSED', message, { instance: target.name })
  }
  return Promise.all(
    wanted.map(async ({ region, key }) => {
      const snapshot = temporaryName(operation, copyStepOf(region))
      const series = { ...own, cloud: cloudIn(region), region }
      const { found, why } = await unlessOutOfReach(() => judgeSeries(series, [coming(snapshot, series)]))
      const planned = { region, snapshot, key }
      return found === null ? { ...planned, expiring: null, unreached: why } : { ...planned, expiring: expiringOf(found) }
    }),
  )
}

function generationsOf({ generations }: RetentionRecord): Generation[] {
  return generations.map(({ generation }) => generation)
}

export async function readPlan(ledger: Ledger, operation: OperationId): Promise<SnapshotPlan | null> {
  return (await ledger.getDocument({ operation, name: SNAPSHOT_DOCUMENTS.plan })) as SnapshotPlan | null
}
