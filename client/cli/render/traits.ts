/** What a plan says of its cloud, where that is not as one takes for granted. */
import type { CloudTraits } from '../../../contracts/migrate'

/** Of the canary that a migration restores. */
export function copyLines(traits: CloudTraits | undefined): string[] {
  if (traits === undefined) return []
  return [
    ...(traits.restoreFromSnapshot === 'moment'
      ? [
          "  canary: the instance's log restored to the moment at which the snapshot was complete, since this cloud restores none by name",
        ]
      : []),
    ...(traits.restoreFromSnapshot === 'in-place'
      ? ['  canary: a new, empty instance, which is then overwritten with the snapshot']
      : []),
    ...(traits.inertCopy === 'after-start'
      ? [
          "  canary: runs with the instance's own settings for some minutes, until it is made inert; nothing in the instance acts by itself (asked just now, and again before the copy is made)",
        ]
      : []),
  ]
}

/** Of the snapshot itself. */
export function snapshotLines(traits: CloudTraits | undefined): string[] {
  if (traits === undefined) return []
  return [
    ...(traits.restoreFromSnapshot === 'moment'
      ? ["  snapshot: stands for a moment in the instance's log, and is restored from that log"]
      : []),
    ...(traits.snapshotsOutliveInstance ? [] : ['  snapshot: goes with its instance, whoever removes that']),
    ...(traits.snapshotHoursMax === null ? [] : [`  snapshot: kept by the cloud for ${traits.snapshotHoursMax} h at most`]),
  ]
}
