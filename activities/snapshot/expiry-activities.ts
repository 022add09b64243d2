/** Expiry activities: after a new snapshot was taken, and when a snapshot's retention is over. */
import { FINAL_STATUSES, type OperationId } from '../../contracts/operation'
import { documentOf, type ExpiryRecord } from '../../contracts/snapshot'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { recordRemoval } from '../resources'
import { notReadyYet } from '../waiting'
import type { SnapshotActivities } from './contract'
import { listExpired, type Removal, removeIfExpired, retiredAs } from './expiry'
import { cloudIn } from './region'
import { judgeSeries, type Series } from './series'

type Expiring = 'expireSnapshots' | 'surveyExpiry' | 'expireSnapshot'

export function createExpiryActivities({
  ledger,
  cloudOf,
}: Pick<ActivityDeps, 'ledger' | 'cloudOf'>): Pick<SnapshotActivities, Expiring> {
  const readExpiry = async (operation: OperationId, region: string | null): Promise<ExpiryRecord | null> =>
    (await ledger.getDocument({ operation, name: documentOf('expiry', region) })) as ExpiryRecord | null
  return {
    async expireSnapshots({ operation, bundle, region = null, instanceId, now }) {
      const { database } = await ledger.getBundle(bundle)
      const cloud = cloudIn(cloudOf, database, region)
      const series: Series = { ledger, cloud, cloudName: database.cloud, region, instanceId, operation, now }
      let record = (await readExpiry(operation, region)) ?? { version: 1, due: await listExpired(series), removed: [], kept: [] }
      const write = async (next: ExpiryRecord): Promise<void> => {
        assertMayAct()
        await ledger.putDocument({ operation, name: documentOf('expiry', region), document: next })
        record = next
      }
      await write(record)
      const settled = new Set([...record.removed, ...record.kept.map(({ name }) => name)])
      for (const name of record.due.filter((due) => !settled.has(due))) {
        const removal = await removeIfExpired(series, name)
        if (removal.removed) await write({ ...record, removed: [...record.removed, name] })
        else await write({ ...record, kept: [...record.kept, { name, why: removal.why }] })
      }
      return record
    },
    async surveyExpiry({ operation, region = null }) {
      return (await readExpiry(operation, region)) ?? { version: 1, due: [], removed: [], kept: [] }
    },
    async expireSnapshot({ operation, bundle, region = null, snapshot, now }) {
      const { database } = await ledger.getBundle(bundle)
      const cloud = cloudIn(cloudOf, database, region)
      const record = await ledger.getOperation(operation)
      // Whoever still works on the operation may yet need what a rescue would restore.
      if (record !== null && !FINAL_STATUSES.includes(record.status)) throw notReadyYet(`Operation ${operation}`, record.status)
      const found = await cloud.describeSnapshot({ instance: database.instance, name: snapshot }, { signal: currentAct().signal })
      if (found === null) {
        await recordRemoval(ledger, { operation, kind: 'snapshot', name: snapshot })
        return { dueAt: null, standing: 'gone' }
      }
      // Of the instance that it was taken of: another one may bear the name by now.
      const series: Series = { ledger, cloud, cloudName: database.cloud, region, instanceId: found.instanceId, operation, now }
      const judged = (await judgeSeries(series)).find(({ facts }) => facts.name === snapshot)
      if (judged === undefined) throw notReadyYet(`Snapshot ${snapshot}`, 'not listed')
      const { standing } = judged
      if (standing === 'being-made') throw notReadyYet(`Snapshot ${snapshot}`, found.cloudState)
      // Whatever it comes to is waited for: then it is the last one that was proven, or goes.
      if (standing === 'being-verified') throw notReadyYet(`Snapshot ${snapshot}`, 'being verified')
      if (standing === 'within-retention') return { dueAt: judged.facts.origin?.expiresAt ?? null, standing }
      let own: Removal | null = null
      for (const name of await listExpired(series)) {
        const removal = await removeIfExpired(series, name)
        if (name !== snapshot) continue
        // For the others their own retirement cares.
        if (!removal.removed && removal.refusal !== undefined) throw removal.refusal
        own = removal
      }
      const ended = retiredAs(standing, own)
      if (ended === null) throw notReadyYet(`Snapshot ${snapshot}`, 'not expired any more')
      return { dueAt: null, standing: ended }
    },
  }
}
