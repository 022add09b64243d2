/** DescribeDBClusterParameterGroups: the default groups and the custom ones, in pages. */
import type { Operation } from '../cloud'
import { filtered, NO_FILTERS } from '../filters'
import { pageOf } from '../paging'
import { defaultClusterGroups, findClusterGroup } from '../parameters'
import { clusterGroupView } from '../views'

export const describeDbClusterParameterGroups: Operation<'DescribeDBClusterParameterGroups'> = async (call) => {
  const { cloud, query, region } = call
  const name = query.text('DBClusterParameterGroupName')
  const custom = Object.values(cloud.state.clusterParameterGroups).filter((group) => group.region === region)
  const all = [...defaultClusterGroups(region), ...custom]
  const named = name === undefined ? all : [findClusterGroup(cloud.state, region, name)]
  const page = pageOf(query, filtered(query, NO_FILTERS, named), (group) => group.name)
  return { Marker: page.marker, DBClusterParameterGroups: page.items.map(clusterGroupView) }
}
