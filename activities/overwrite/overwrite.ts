/** What an overwriting asks of the database's cloud. */
import type { InstanceRef, ManagedPostgres } from '../../clouds/port'
import { type OperationId, temporaryName } from '../../contracts/operation'
import { keptFrom, OVERWRITE_DOCUMENTS, type OverwriteBegun } from '../../contracts/overwrite'
import { changing } from '../act'
import type { ActivityDeps } from '../deps'
import { copySettings } from '../instance/copy-request'
import { capturedConfiguration } from '../replacement/plan'
import { atOurPace, notReadyYet } from '../waiting'
import { assertMayReopen, assertNotBegun } from './begun'
import type { OverwriteActivities } from './contract'
import { assertOverwritable, overwritePlanOf, planOverwriting, writeOverwritePlan } from './plan'

export function createOverwriteActivities(deps: Pick<ActivityDeps, 'ledger' | 'cloudOf'>): OverwriteActivities {
  const { ledger, cloudOf } = deps
  const instanceOf = async (operation: OperationId): Promise<InstanceRef> => {
    const { instance: name, instanceId } = await capturedConfiguration(ledger, operation)
    return { name, instanceId }
  }
  const letIn = async (cloud: ManagedPostgres, wanted: Parameters<ManagedPostgres['setNetworkRules']>[0]): Promise<void> => {
    const { done } = await atOurPace(cloud.setNetworkRules(wanted, changing()))
    if (!done) throw notReadyYet(`Instance ${wanted.instance.name}`, 'still changing whom its networks let in')
  }
  return {
    planOverwriting: (input) => planOverwriting(deps, input),
    writeOverwritePlan: (input) => writeOverwritePlan(deps, input),
    assertOverwritable: (input) => assertOverwritable(deps, input),
    async startFreshBackup({ operation, step, bundle, keepHours, startedAt }) {
      await assertNotBegun(ledger, operation)
      const { database } = await ledger.getBundle(bundle)
      const snapshot = temporaryName(operation, step)
      const options = changing()
      // An end of its own: generations are for what is taken regularly. Retention counts from the end of the operation where that is later.
      const expiresAt = keptFrom(startedAt, keepHours)
      const made = { operation, cloud: database.cloud, kind: 'snapshot', name: snapshot } as const
      await ledger.recordResource({ ...made, createdAt: startedAt, expiresAt, removedAt: null })
      const owner = { operation, step, expiresAt }
      const asked = { instance: database.instance, snapshot, owner }
      const { operation: cloudOperation } = await cloudOf(database).startSnapshot(asked, options)
      return { snapshot, ...(cloudOperation === null ? {} : { cloudOperation }) }
    },
    async closeNetworks({ operation, bundle }) {
      await assertNotBegun(ledger, operation)
      const { database } = await ledger.getBundle(bundle)
      const cloud = cloudOf(database)
      const { networkRules } = copySettings(database, cloud.capabilities, 'fromSnapshot')
      await letIn(cloud, { instance: await instanceOf(operation), networkRules })
    },
    async openNetworks({ operation, bundle, undo }) {
      const { database } = await ledger.getBundle(bundle)
      if (undo) await assertMayReopen(ledger, { operation, database: database.name })
      const { networkRules, networkNames: names } = await overwritePlanOf(ledger, operation)
      await letIn(cloudOf(database), { instance: await instanceOf(operation), networkRules, names })
    },
    async overwriteInstance({ operation, bundle, snapshot, since, failedBefore }) {
      const { database } = await ledger.getBundle(bundle)
      const instance = await instanceOf(operation)
      const options = changing()
      // Written down before it is asked for: a call whose answer is lost may have been heard.
      const { snapshotId } = await overwritePlanOf(ledger, operation)
      const begun: OverwriteBegun = { version: 1, instance, snapshot, snapshotId, since }
      await ledger.putDocumentOnce({ operation, name: OVERWRITE_DOCUMENTS.begun, document: begun })
      const {
        done,
        operation: cloudOperation,
        failure,
      } = await atOurPace(cloudOf(database).overwrite({ instance, snapshot, snapshotId, since, failedBefore }, options))
      if (cloudOperation !== null) {
        const document = { ...begun, cloudOperation, failedBefore, done, failure }
        await ledger.putDocument({ operation, name: OVERWRITE_DOCUMENTS.begun, document })
      }
      if (!done && failure === null) throw notReadyYet(`Instance ${instance.name}`, 'being overwritten')
      return { failure }
    },
  }
}
