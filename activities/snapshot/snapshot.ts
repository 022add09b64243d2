/** Snapshots of the target, through its cloud. */
import type { ManagedPostgres } from '../../clouds/port'
import { type Failure, failure } from '../../contracts/failures'
import { temporaryName } from '../../contracts/operation'
import { SNAPSHOT_DOCUMENTS, SNAPSHOT_STEPS, shownSize } from '../../contracts/snapshot'
import { assertMayAct, changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { endManifestBefore } from '../proof/manifest'
import { findTarget } from '../target'
import { notListed, notReadyYet } from '../waiting'
import type { SnapshotActivities } from './contract'
import { createCopyActivities } from './copy-activities'
import { createExpiryActivities } from './expiry-activities'
import { keptUntil } from './kept-until'
import { listSnapshots } from './list'
import { planSnapshot, readPlan } from './plan'
import { cloudIn } from './region'
import { takeBack } from './take-back'
import { judgeSnapshot } from './verify'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>

/** A cloud may list a snapshot only once it is complete, hours later: its record of it tells meanwhile how it goes. */
async function unlisted(cloud: ManagedPostgres, snapshot: string, cloudOperation: string | undefined): Promise<Failure> {
  if (cloudOperation === undefined) return notListed(`Snapshot ${snapshot}`)
  const { state, message } = await cloud.describeOperation({ operation: cloudOperation }, { signal: currentAct().signal })
  if (state === 'running') return notReadyYet(`Snapshot ${snapshot}`, 'being made')
  if (state === 'done') return notListed(`Snapshot ${snapshot}`)
  return failure('RESOURCE_FAILED', `Snapshot ${snapshot} could not be made: ${message}`, { snapshot })
}

export function createSnapshotActivities(deps: Deps): SnapshotActivities {
  const { ledger, cloudOf } = deps
  return {
    ...createCopyActivities(deps),
    ...createExpiryActivities(deps),
    async planSnapshot({ operation, bundle, snapshotStep, retentionHours }) {
      const { database } = await ledger.getBundle(bundle)
      const target = await findTarget(cloudOf, database, { signal: currentAct().signal })
      const cloud = cloudOf(database)
      const elsewhere = (region: string) => cloudIn(cloudOf, database, region)
      return planSnapshot({
        ...{ ledger, cloud, cloudIn: elsewhere, database, operation, bundle, target, snapshotStep, retentionHours },
      })
    },
    async startSnapshot({ operation, step, bundle, retentionHours, startedAt }) {
      const { database } = await ledger.getBundle(bundle)
      const snapshot = temporaryName(operation, step)
      const cloud = cloudOf(database)
      const expiresAt = await keptUntil({
        ...{ ledger, cloud, database, region: null, operation, retentionHours, takenAt: startedAt },
        instanceId: async () => (await findTarget(cloudOf, database, { signal: currentAct().signal })).instanceId,
      })
      const options = changing()
      const owner = { operation, step, expiresAt }
      if (step === SNAPSHOT_STEPS.take.id) await endManifestBefore(ledger, operation)
      await ledger.recordResource({
        operation,
        cloud: database.cloud,
        kind: 'snapshot',
        name: snapshot,
        createdAt: startedAt,
        expiresAt,
        removedAt: null,
      })
      const { operation: cloudOperation } = await cloud.startSnapshot({ instance: database.instance, snapshot, owner }, options)
      return { snapshot, ...(cloudOperation === null ? {} : { cloudOperation }) }
    },
    async awaitSnapshot({ bundle, snapshot, cloudOperation }) {
      const { database } = await ledger.getBundle(bundle)
      const found = await cloudOf(database).describeSnapshot(
        { instance: database.instance, name: snapshot },
        { signal: currentAct().signal },
      )
      if (found === null) throw await unlisted(cloudOf(database), snapshot, cloudOperation)
      if (found.state === 'ready') return { createdAt: found.createdAt }
      if (found.state === 'changing') throw notReadyYet(`Snapshot ${snapshot}`, found.cloudState)
      throw failure('RESOURCE_FAILED', `Snapshot ${snapshot} is ${found.cloudState} and will not become available.`, { snapshot })
    },
    async verifySnapshot({ operation, bundle, snapshot }) {
      const { database } = await ledger.getBundle(bundle)
      const plan = await readPlan(ledger, operation)
      if (plan === null) throw failure('DEFECT', `Operation ${operation} has no plan to verify against.`)
      const found = await cloudOf(database).describeSnapshot(
        { instance: database.instance, name: snapshot },
        { signal: currentAct().signal },
      )
      if (found === null) throw notListed(`Snapshot ${snapshot}`)
      const findings = judgeSnapshot(found, plan)
      assertMayAct()
      const document = { version: 1, snapshot: found, findings }
      await ledger.putDocument({ operation, name: SNAPSHOT_DOCUMENTS.snapshot, document })
      const { storage, createdAt } = found
      const kind = storage.encrypted ? 'encrypted' : 'not encrypted, as the instance'
      return { findings, createdAt, summary: `${found.cloudState}, ${shownSize(storage.sizeGib)}, ${kind}` }
    },
    awaitSnapshotRemoval: (input) => takeBack(deps, input),
    listSnapshots: ({ bundle }) => listSnapshots(deps, bundle),
  }
}
