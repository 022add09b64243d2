/** Whether a copy of a snapshot in another region can be restored there, as far as the fleet file says. */
import { type Failure, failure } from '../contracts/failures'
import type { DatabaseEntry } from '../contracts/fleet'
import { nearest } from './fleet/suggest'
import { cutInput, shownInput } from './shown-input'

const NONE = {
  azure: 'Azure copies no backup of a flexible server into another region',
  gcp: 'Cloud SQL copies no backup into another region',
} as const

/** Fails with OPTION_INVALID, naming the region or the field that is missing. `region` undefined: the database's own, which is always right. */
export function assertRestorableIn(
  entry: DatabaseEntry,
  region: string | undefined,
  what: 'restore' | 'verify' = 'restore',
): void {
  if (region === undefined) return
  const { cloud, name, policy } = entry
  if (cloud !== 'aws') throw wrongRegion(`${NONE[cloud]}, so that none can be restored there: leave --region out.`, region)
  if (region === entry.region) {
    throw wrongRegion(`--region is ${region}, where ${name} itself is: leave it out, and a snapshot of its own is meant.`, region)
  }
  const copies = policy.snapshotCopies ?? []
  const index = copies.findIndex((copy) => copy.region === region)
  if (index < 0) throw unknownRegion(entry, region)
  const canary = copies[index]?.canary
  const field = `policy.snapshotCopies[${index}].canary`
  if (canary === undefined) {
    const message = `${field} of ${name} is missing in the fleet file; to ${what} a copy in ${region} it must be what is given to that there, such as canary: { securityGroups: [sg-0a1b2c3d4e5f67890], instanceClass: db.m6g.large }.`
    throw wrongRegion(message, region)
  }
  if (what === 'restore' || canary.instanceClass !== null) return
  const message = `${field}.instanceClass of ${name} is missing in the fleet file; to verify a copy in ${region} it must be the class that is restored there, by which the plan says what it costs: the instance is not asked.`
  throw wrongRegion(message, region)
}

function unknownRegion({ name, policy }: DatabaseEntry, region: string): Failure {
  const known = (policy.snapshotCopies ?? []).map((copy) => copy.region)
  if (known.length === 0) {
    const message = `--region is ${shownInput(region)}, and snapshots of ${name} are copied nowhere: name regions in policy.snapshotCopies of the fleet file first, each with a canary.`
    return wrongRegion(message, region)
  }
  const meant = nearest(region, known)
  const hint = meant === null ? `it has ${known.join(', ')}.` : `did you mean ${meant}?`
  return wrongRegion(`--region is ${shownInput(region)}, which is none of policy.snapshotCopies of ${name}; ${hint}`, region)
}

function wrongRegion(message: string, region: string): Failure {
  return failure('OPTION_INVALID', message, { option: 'region', region: cutInput(region) })
}
