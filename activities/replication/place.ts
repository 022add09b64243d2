/** Where the standby of an operation answers, as its own cloud says, and how large its disk is. */
import type { InstanceDescription } from '../../clouds/port'
import type { StandbyId } from '../../contracts/standby'
import { changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { addressOf } from '../instance/address'
import { findTarget } from '../target'
import { atOurPace, notReadyYet } from '../waiting'
import type { StandbyPlaceActivities } from './contract'
import { followerOf, standbyOf } from './sides'

export function createStandbyPlaceActivities({
  ledger,
  cloudOf,
}: Pick<ActivityDeps, 'ledger' | 'cloudOf'>): StandbyPlaceActivities {
  /** Of one that was looked at before: it is not full any more. What is on it is as it was. */
  const noteSize = async (id: StandbyId, sizeGib: number | null): Promise<void> => {
    const disk = (await ledger.getStandby(id))?.disk
    if (disk !== undefined && sizeGib !== null) await ledger.noteDisk({ ...id, disk: { ...disk, sizeGib } })
  }
  return {
    async describeStandby({ bundle, standby: name }) {
      const held = await ledger.getBundle(bundle)
      const { standby } = name === undefined ? standbyOf(held) : followerOf(held, name)
      return addressOf(await findTarget(cloudOf, standby, { signal: currentAct().signal }))
    },
    async describeDisk({ bundle, side }) {
      const held = await ledger.getBundle(bundle)
      const entry = side === 'source' ? held.database : standbyOf(held).standby
      const { storage, growsToGib } = await findTarget(cloudOf, entry, { signal: currentAct().signal })
      return { sizeGib: storage.sizeGib, growsToGib }
    },
    async growStandby({ bundle, instanceId, toGib }) {
      const { standby } = standbyOf(await ledger.getBundle(bundle))
      const found = await findTarget(cloudOf, standby, { signal: currentAct().signal })
      const { instance } = addressOf(found)
      if (isLarge(found, toGib)) return
      const scaled = { instance: { name: instance, instanceId }, instanceClass: null, storageGib: toGib }
      await atOurPace(cloudOf(standby).startScale(scaled, changing()))
    },
    async awaitGrown({ bundle, toGib }) {
      const held = await ledger.getBundle(bundle)
      const { standby } = standbyOf(held)
      const found = await findTarget(cloudOf, standby, { signal: currentAct().signal })
      const { instance } = addressOf(found)
      if (!isLarge(found, toGib))
        throw notReadyYet(`Instance ${instance}`, `of ${found.storage.sizeGib ?? 0} GiB still, and to be of ${toGib}`)
      await noteSize({ source: held.database.name, target: standby.name }, found.storage.sizeGib)
      return { summary: `${instance} has ${found.storage.sizeGib ?? toGib} GiB` }
    },
  }
}

/** One without a size grows by itself. */
const isLarge = ({ storage: { sizeGib } }: InstanceDescription, gib: number): boolean => sizeGib === null || sizeGib >= gib
