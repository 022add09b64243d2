/** ModifyDBSubnetGroup: other subnets, as long as they cover the zones that instances of the group stand in. */
import type { Operation } from '../cloud'
import { AwsError } from '../errors'
import { subnetGroupView } from '../views'
import { findSubnetGroup, parseSubnets, zonesOf } from '../zones'

export const modifyDbSubnetGroup: Operation<'ModifyDBSubnetGroup'> = async ({ cloud, query, region }) => {
  const group = findSubnetGroup(cloud.state, region, query.required('DBSubnetGroupName'))
  const subnets = parseSubnets(query, region)
  if (group.name === 'default') {
    throw new AwsError('InvalidDBSubnetGroupStateFault', 'The default DB subnet group of this lab cannot be modified.')
  }
  const zones = zonesOf({ ...group, subnets })
  for (const { region: home, subnetGroup, zone, secondaryZone, id } of Object.values(cloud.state.instances)) {
    if (home !== region || subnetGroup !== group.name) continue
    const lost = [zone, secondaryZone].find((used) => used !== null && !zones.includes(used))
    if (lost) throw new AwsError('SubnetAlreadyInUse', `The subnet in ${lost} is in use by the DB instance ${id}.`)
  }
  group.description = query.text('DBSubnetGroupDescription') ?? group.description
  group.subnets = subnets
  await cloud.save()
  return { DBSubnetGroup: subnetGroupView(group) }
}
