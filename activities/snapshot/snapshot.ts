/** Snapshots of the target, through its cloud. */
import { failure } from '../../contracts/failures'
import { FINAL_STATUSES, temporaryName } from '../../contracts/operation'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { recordRemoval } from '../resources'
import { notListed, notReadyYet } from '../waiting'
import type { SnapshotActivities } from './contract'

export function createSnapshotActivities({ ledger, cloudOf }: Pick<ActivityDeps, 'ledger' | 'cloudOf'>): SnapshotActivities {
  return {
    async startSnapshot({ operation, step, bundle, retentionHours, startedAt }) {
      const { database } = await ledger.getBundle(bundle)
      const snapshot = temporaryName(operation, step)
      const expiresAt = new Date(Date.parse(startedAt) + retentionHours * 3_600_000).toISOString()
      const { signal } = assertMayAct()
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
      await cloudOf(database).startSnapshot({ instance: database.instance, snapshot, owner }, { signal })
      return { snapshot }
    },
    async awaitSnapshot({ bundle, snapshot }) {
      const { database } = await ledger.getBundle(bundle)
      const found = await cloudOf(database).describeSnapshot({ name: snapshot }, { signal: currentAct().signal })
      if (found === null) throw notListed(`Snapshot ${snapshot}`)
      if (found.state === 'ready') return { createdAt: found.createdAt }
      if (found.state === 'changing') throw notReadyYet(`Snapshot ${snapshot}`, found.cloudState)
      throw failure('RESOURCE_FAILED', `Snapshot ${snapshot} is ${found.cloudState} and will not become available.`, { snapshot })
    },
    async expireSnapshot({ operation, bundle, snapshot }) {
      const { database } = await ledger.getBundle(bundle)
      const record = await ledger.getOperation(operation)
      // Whoever still works on the operation may yet need what a rescue would restore.
      if (record !== null && !FINAL_STATUSES.includes(record.status)) throw notReadyYet(`Operation ${operation}`, record.status)
      const { signal } = assertMayAct()
      await cloudOf(database).startSnapshotRemoval({ snapshot, operation }, { signal })
      await recordRemoval(ledger, { operation, kind: 'snapshot', name: snapshot })
    },
  }
}
