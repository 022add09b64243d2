/** Where the standby of an operation answers, as its own cloud says. */
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { addressOf } from '../instance/address'
import { findTarget } from '../target'
import type { StandbyPlaceActivities } from './contract'
import { standbyOf } from './sides'

export function createStandbyPlaceActivities({
  ledger,
  cloudOf,
}: Pick<ActivityDeps, 'ledger' | 'cloudOf'>): StandbyPlaceActivities {
  return {
    async describeStandby({ bundle }) {
      const { standby } = standbyOf(await ledger.getBundle(bundle))
      return addressOf(await findTarget(cloudOf, standby, { signal: currentAct().signal }))
    },
  }
}
