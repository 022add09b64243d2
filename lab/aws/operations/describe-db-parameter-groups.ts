/** DescribeDBParameterGroups: the default groups and the custom ones, in pages. */
import type { Operation } from '../cloud'
import { filtered, NO_FILTERS } from '../filters'
import { pageOf } from '../paging'
import { defaultGroups, findGroup } from '../parameters'
import { groupView } from '../views'

export const describeDbParameterGroups: Operation<'DescribeDBParameterGroups'> = async ({ cloud, query, region }) => {
  const name = query.text('DBParameterGroupName')
  const custom = Object.values(cloud.state.parameterGroups).filter((group) => group.region === region)
  const all = [...defaultGroups(region), ...custom]
  const named = name === undefined ? all : [findGroup(cloud.state, region, name)]
  const page = pageOf(query, filtered(query, NO_FILTERS, named), (group) => group.name)
  return { Marker: page.marker, DBParameterGroups: page.items.map(groupView) }
}
