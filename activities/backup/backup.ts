/** Backups as their cloud lists them: chosen, waited for, looked at. Nothing is changed there. */
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { addressOf } from '../instance/address'
import { findTarget } from '../target'
import { notReadyYet } from '../waiting'
import type { BackupActivities } from './contract'
import { checkExists } from './exists'
import { planVerification } from './plan'
import { assertSameInstance } from './source'

export function createBackupActivities(deps: Pick<ActivityDeps, 'ledger' | 'cloudOf'>): BackupActivities {
  const { ledger, cloudOf } = deps
  return {
    planVerification: (input) => planVerification(deps, input),
    async describeSource({ bundle, instanceId }) {
      const { database } = await ledger.getBundle(bundle)
      const source = await findTarget(cloudOf, database, { signal: currentAct().signal })
      assertSameInstance(source, instanceId)
      return addressOf(source)
    },
    async awaitWindow({ bundle, at }) {
      const { database } = await ledger.getBundle(bundle)
      const options = { signal: currentAct().signal }
      const window = await cloudOf(database).restoreWindow({ name: database.instance }, options)
      if (window === null || Date.parse(window.latest) < Date.parse(at)) {
        throw notReadyYet(
          `The log of instance ${database.instance}`,
          `restorable to ${window?.latest ?? 'no moment'}, not yet to ${at}`,
        )
      }
    },
    checkExists: (input) => checkExists(deps, input),
  }
}
