/** CreateDBSubnetGroup: subnets of two zones at least. */
import type { Operation } from '../cloud'
import { AwsError } from '../errors'
import { parseSubnetGroupName, parseTags } from '../identifiers'
import { requireRoom } from '../quotas'
import { key } from '../state'
import { subnetGroupView } from '../views'
import { parseSubnets } from '../zones'

export const createDbSubnetGroup: Operation<'CreateDBSubnetGroup'> = async ({ cloud, query, region }) => {
  const name = parseSubnetGroupName(query.required('DBSubnetGroupName'))
  const place = key(region, name)
  if (cloud.state.subnetGroups[place]) {
    throw new AwsError('DBSubnetGroupAlreadyExists', `The DB subnet group '${name}' already exists.`)
  }
  const description = query.required('DBSubnetGroupDescription')
  const subnets = parseSubnets(query, region)
  const tags = parseTags(query.records('Tags'))
  requireRoom(cloud.state, region, 'subnetGroups')
  const group = { region, name, description, subnets, tags }
  cloud.state.subnetGroups[place] = group
  await cloud.save()
  return { DBSubnetGroup: subnetGroupView(group) }
}
