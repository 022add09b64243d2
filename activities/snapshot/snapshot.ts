/** Snapshots of the target, through its cloud. */
import { failure } from '../../contracts/failures'
import { FINAL_STATUSES, type OperationId, temporaryName } from '../../contracts/operation'
import { SNAPSHOT_DOCUMENTS } from '../../contracts/snapshot'
import { assertMayAct, changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { recordRemoval } from '../resources'
import { findTarget } from '../target'
import { notListed, notReadyYet } from '../waiting'
import type { SnapshotActivities } from './contract'
import { createExpiryActivities } from './expiry-activities'
import { listSnapshots } from './list'
import { planSnapshot, readPlan } from './plan'
import { judgeSnapshot } from './verify'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>

/** About eight seconds. */
const UNSEEN_LOOKS = 10

export function createSnapshotActivities(deps: Deps): SnapshotActivities {
  const { ledger, cloudOf } = deps
  /** After a reset the undo stands again, although older snapshots may have been removed for this one's sake. */
  const othersRelyOn = async (operation: OperationId): Promise<boolean> => {
    const record = await ledger.getOperation(operation)
    if (record !== null && FINAL_STATUSES.includes(record.status)) return true
    return (await ledger.getDocument({ operation, name: SNAPSHOT_DOCUMENTS.expiry })) !== null
  }
  return {
    ...createExpiryActivities(deps),
    async planSnapshot({ operation, bundle, snapshotStep, retentionHours }) {
      const { database } = await ledger.getBundle(bundle)
      const target = await findTarget(cloudOf, database, { signal: currentAct().signal })
      return planSnapshot({ ledger, cloud: cloudOf(database), operation, bundle, target, snapshotStep, retentionHours })
    },
    async startSnapshot({ operation, step, bundle, retentionHours, startedAt }) {
      const { database } = await ledger.getBundle(bundle)
      const snapshot = temporaryName(operation, step)
      const expiresAt = new Date(Date.parse(startedAt) + retentionHours * 3_600_000).toISOString()
      const options = changing()
      const owner = { operation, step, expiresAt }
      await ledger.recordResource({
        operation,
        cloud: database.cloud,
        kind: 'snapshot',
        name: snapshot,
        createdAt: startedAt,
        expiresAt,
        removedAt: null,
      })
      await cloudOf(database).startSnapshot({ instance: database.instance, snapshot, owner }, options)
      return { snapshot }
    },
    async awaitSnapshot({ bundle, snapshot }) {
      const { database } = await ledger.getBundle(bundle)
      const found = await cloudOf(database).describeSnapshot(
        { instance: database.instance, name: snapshot },
        { signal: currentAct().signal },
      )
      if (found === null) throw notListed(`Snapshot ${snapshot}`)
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
      return { findings, createdAt, summary: `${found.cloudState}, ${storage.sizeGib} GiB, ${kind}` }
    },
    async awaitSnapshotRemoval({ operation, step, bundle, snapshot, instanceId }) {
      const { database } = await ledger.getBundle(bundle)
      if (await othersRelyOn(operation)) return
      const options = changing()
      const { attempt } = currentAct()
      const found = await cloudOf(database).describeSnapshot({ instance: database.instance, name: snapshot }, options)
      if (found === null) {
        const begun = (await ledger.listResources({ operation })).find(({ name }) => name === snapshot)
        const unseen = begun !== undefined && begun.removedAt === null
        // A cloud may list what it makes only after a while: what was begun and not seen yet is looked for again.
        if (unseen && attempt < UNSEEN_LOOKS) throw notReadyYet(`Snapshot ${snapshot}`, 'not listed')
        return recordRemoval(ledger, { operation, kind: 'snapshot', name: snapshot })
      }
      // Nor does it remove what it is still making: whatever the snapshot becomes is removed then.
      if (found.state === 'changing') throw notReadyYet(`Snapshot ${snapshot}`, found.cloudState)
      await cloudOf(database).startSnapshotRemoval({ snapshot, instanceId, owner: { operation, step } }, options)
      await recordRemoval(ledger, { operation, kind: 'snapshot', name: snapshot })
      throw notReadyYet(`Snapshot ${snapshot}`, 'being removed')
    },
    listSnapshots: ({ bundle }) => listSnapshots(deps, bundle),
  }
}
