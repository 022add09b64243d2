/** DeleteDBSubnetGroup: not the default one, and not while an instance stands in it. */
import type { Operation } from '../cloud'
import { AwsError } from '../errors'
import { key } from '../state'
import { findSubnetGroup } from '../zones'

export const deleteDbSubnetGroup: Operation<'DeleteDBSubnetGroup'> = async ({ cloud, query, region }) => {
  const group = findSubnetGroup(cloud.state, region, query.required('DBSubnetGroupName'))
  if (group.name === 'default') {
    throw new AwsError('InvalidDBSubnetGroupStateFault', 'The default DB subnet group cannot be deleted.')
  }
  const user = Object.values(cloud.state.instances).find((one) => one.region === region && one.subnetGroup === group.name)
  if (user) {
    throw new AwsError(
      'InvalidDBSubnetGroupStateFault',
      `Cannot delete the subnet group '${group.name}' because at least one database instance: ${user.id} is still using it.`,
    )
  }
  delete cloud.state.subnetGroups[key(region, group.name)]
  await cloud.save()
  return undefined
}
