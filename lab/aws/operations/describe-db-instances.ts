/** DescribeDBInstances: one by its identifier or resource id, or all of the region, in pages. */
import { findInstance, type Operation } from '../cloud'
import { type FilterTable, filtered } from '../filters'
import { clusterOf } from '../following'
import { pageOf } from '../paging'
import { arn, type DbInstance } from '../state'
import { instanceView } from '../views'

const FILTERS: FilterTable<DbInstance> = {
  'db-instance-id': (instance, value) => [instance.id, arn(instance.region, 'db', instance.id)].includes(value.toLowerCase()),
  'dbi-resource-id': (instance, value) => instance.resourceId === value,
  engine: ({ engine }, value) => engine === value,
}

export const describeDbInstances: Operation<'DescribeDBInstances'> = async (call) => {
  const { cloud, query, region } = call
  const id = query.text('DBInstanceIdentifier')
  const inRegion = Object.values(cloud.state.instances).filter((instance) => instance.region === region)
  const named = id === undefined ? inRegion : [inRegion.find(({ resourceId }) => resourceId === id) ?? findInstance(call, id)]
  const clusterIdOf = (instance: DbInstance): string | undefined => clusterOf(cloud.state, instance)?.id
  const filters: FilterTable<DbInstance> = {
    ...FILTERS,
    'db-cluster-id': (instance, value) => clusterIdOf(instance) === value.slice(value.lastIndexOf(':') + 1).toLowerCase(),
  }
  const found = filtered(query, filters, named)
  const page = pageOf(query, found, (instance) => instance.id)
  for (const instance of page.items) {
    cloud.reach.looked(instance)
    cloud.replicas.looked(instance)
  }
  const views = page.items.map((instance) => instanceView(cloud, instance))
  return { Marker: page.marker, DBInstances: views }
}
