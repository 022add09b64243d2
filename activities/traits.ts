/** What a cloud cannot do, or does otherwise than a plan takes for granted: found out before anything is done, from what its adapter declares and
 *  what the instance is. */
import type { Capabilities } from '../clouds/capabilities'
import type { InstanceDescription } from '../clouds/port'
import { failure } from '../contracts/failures'
import type { CloudTraits } from '../contracts/migrate'

/** Nothing where all is as a plan takes for granted. Fails with CLOUD_REFUSED where no snapshot can be taken: nothing that is rescued by one
 *  may begin. */
export function traitsOf(found: InstanceDescription, capabilities: Capabilities): { readonly traits?: CloudTraits } {
  if (found.snapshots === null) {
    throw failure(
      'CLOUD_REFUSED',
      `${found.cloud} takes no snapshot of an instance of class ${found.instanceClass}, as ${found.name} is; scale it to a class that has them.`,
      { instance: found.name, instanceClass: found.instanceClass },
    )
  }
  const traits: CloudTraits = {
    restoreFromSnapshot: capabilities.restoreFromSnapshot,
    inertCopy: capabilities.inertCopy.fromSnapshot,
    snapshotsOutliveInstance: found.snapshots.outliveInstance,
    snapshotHoursMax: found.snapshots.hoursMax,
  }
  const usual =
    traits.restoreFromSnapshot === 'new-instance' &&
    traits.inertCopy === 'before-first-start' &&
    traits.snapshotsOutliveInstance &&
    traits.snapshotHoursMax === null
  return usual ? {} : { traits }
}

/** A snapshot that the cloud will have removed by then is no promise. Fails with CLOUD_REFUSED. */
export function assertKept(instance: string, hours: number, traits: CloudTraits | undefined): void {
  const hoursMax = traits?.snapshotHoursMax ?? null
  if (hoursMax === null || hours <= hoursMax) return
  throw failure(
    'CLOUD_REFUSED',
    `The cloud keeps a snapshot of ${instance} for ${hoursMax} h at most, and ${hours} h were asked for; ask for less, or have the instance keep its backups longer.`,
    { instance, hours, hoursMax },
  )
}
