/** DescribeDBSubnetGroups: the default one and those that were made, in pages. */
import type { Operation } from '../cloud'
import { filtered, NO_FILTERS } from '../filters'
import { pageOf } from '../paging'
import { subnetGroupView } from '../views'
import { defaultSubnetGroup, findSubnetGroup } from '../zones'

export const describeDbSubnetGroups: Operation<'DescribeDBSubnetGroups'> = async ({ cloud, query, region }) => {
  const name = query.text('DBSubnetGroupName')
  const made = Object.values(cloud.state.subnetGroups).filter((group) => group.region === region)
  const named = name === undefined ? [defaultSubnetGroup(region), ...made] : [findSubnetGroup(cloud.state, region, name)]
  const page = pageOf(query, filtered(query, NO_FILTERS, named), (group) => group.name)
  return { Marker: page.marker, DBSubnetGroups: page.items.map((group) => subnetGroupView(group)) }
}
