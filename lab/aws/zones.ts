/** Where instances stand: a network of three zones in each region, with a subnet in each. There is nothing behind them on loopback, but
 *  groups of subnets decide which zones an instance may be in. */
import { AwsError, invalidCombination, invalidValue } from './errors'
import type { Query } from './protocol/query'
import { type AwsState, key, type Placement, type SubnetGroup } from './state'

export const VPC = 'vpc-lab'
const LETTERS = ['a', 'b', 'c'] as const

export interface Subnet {
  id: string
  zone: string
}

export function subnetsOf(region: string): Subnet[] {
  return LETTERS.map((letter) => ({ id: `subnet-lab-${letter}`, zone: `${region}${letter}` }))
}

export function defaultSubnetGroup(region: string): SubnetGroup {
  const subnets = subnetsOf(region).map(({ id }) => id)
  return { region, name: 'default', description: 'default', subnets, tags: {} }
}

/** @throws AwsError DBSubnetGroupNotFoundFault. */
export function findSubnetGroup(state: AwsState, region: string, name: string): SubnetGroup {
  const wanted = name.toLowerCase()
  const group = wanted === 'default' ? defaultSubnetGroup(region) : state.subnetGroups[key(region, wanted)]
  if (!group) throw new AwsError('DBSubnetGroupNotFoundFault', `DB subnet group '${name}' does not exist.`)
  return group
}

/** In the order of their names. */
export function zonesOf(group: SubnetGroup): string[] {
  return subnetsOf(group.region)
    .filter(({ id }) => group.subnets.includes(id))
    .map(({ zone }) => zone)
}

/** @throws AwsError InvalidSubnet, DBSubnetGroupDoesNotCoverEnoughAZs, InvalidParameterValue. */
export function parseSubnets(query: Query, region: string): string[] {
  const ids = [...new Set(query.list('SubnetIds') ?? [])]
  if (ids.length === 0) throw invalidValue('At least one subnet must be specified.')
  if (ids.length > 20) throw new AwsError('DBSubnetQuotaExceededFault', 'A DB subnet group has at most 20 subnets.')
  const known = subnetsOf(region).map(({ id }) => id)
  const unknown = ids.filter((id) => !known.includes(id))
  if (unknown.length > 0) throw new AwsError('InvalidSubnet', `Some input subnets in :[${unknown.join(', ')}] are invalid.`)
  if (ids.length < 2) {
    throw new AwsError(
      'DBSubnetGroupDoesNotCoverEnoughAZs',
      "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement: it covers one, and at least two are needed.",
    )
  }
  return ids
}

/** @throws AwsError DBSubnetGroupNotFoundFault, InvalidParameterValue, InvalidParameterCombination, InvalidVPCNetworkStateFault. */
export function parsePlacement(query: Query, state: AwsState, region: string, multiAz: boolean): Placement {
  const group = findSubnetGroup(state, region, query.text('DBSubnetGroupName') ?? 'default')
  const zones = zonesOf(group)
  const wanted = query.text('AvailabilityZone')
  if (wanted !== undefined && multiAz) {
    throw invalidCombination('Requesting a specific availability zone is not valid for Multi-AZ instances.')
  }
  if (wanted !== undefined && !subnetsOf(region).some(({ zone }) => zone === wanted)) {
    throw invalidValue(`Invalid availability zone: ${wanted}`)
  }
  if (wanted !== undefined && !zones.includes(wanted)) {
    throw new AwsError('InvalidVPCNetworkStateFault', `The DB subnet group ${group.name} has no subnet in ${wanted}.`)
  }
  const zone = wanted ?? zones[0] ?? `${region}a`
  return { subnetGroup: group.name, zone, secondaryZone: multiAz ? otherZone(group, zone) : null }
}

/** For a standby: another one than this. */
export function otherZone(group: SubnetGroup, zone: string): string | null {
  return zonesOf(group).find((other) => other !== zone) ?? null
}
