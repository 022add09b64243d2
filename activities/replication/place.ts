/** Where the standby of an operation answers, as its own cloud says. */
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { addressOf } from '../instance/address'
import { findTarget } from '../target'
import type { StandbyPlaceActivities } from './contract'
import { followerOf, standbyOf } from './sides'

export function createStandbyPlaceActivities({
  ledger,
  cloudOf,
}: Pick<ActivityDeps, 'ledger' | 'cloudOf'>): StandbyPlaceActivities {
  return {
    async describeStandby({ bundle, standby: name }) {
      const held = await ledger.getBundle(bundle)
      const { standby } = name === undefined ? standbyOf(held) : followerOf(held, name)
      return addressOf(await findTarget(cloudOf, standby, { signal: currentAct().signal }))
    },
  }
}
