/** DescribeDBSnapshots: by identifier, by instance, or all of the region, in pages. A look-up by identifier that finds nothing
 *  is an error; a look-up by instance that finds nothing is an empty list. */
import { findSnapshot, type Operation } from '../cloud'
import { invalidValue } from '../errors'
import { type FilterTable, filtered } from '../filters'
import { pageOf } from '../paging'
import { arn, type DbSnapshot } from '../state'
import { snapshotView } from '../views'

const TYPES = ['automated', 'manual', 'shared', 'public', 'awsbackup']

const FILTERS: FilterTable<DbSnapshot> = {
  'db-instance-id': (snapshot, value) => [snapshot.instanceId, arn(snapshot.region, 'db', snapshot.instanceId)].includes(value),
  'db-snapshot-id': (snapshot, value) => snapshot.id === value.toLowerCase(),
  'dbi-resource-id': (snapshot, value) => snapshot.instanceResourceId === value,
  'snapshot-type': ({ type }, value) => type === value,
  engine: ({ engine }, value) => engine === value,
}

export const describeDbSnapshots: Operation<'DescribeDBSnapshots'> = async (call) => {
  const { cloud, query, region } = call
  const id = query.text('DBSnapshotIdentifier')
  const instanceId = query.text('DBInstanceIdentifier')?.toLowerCase()
  const resourceId = query.text('DbiResourceId')
  const type = query.text('SnapshotType')
  if (type !== undefined && !TYPES.includes(type)) throw invalidValue(`Invalid snapshot type: ${type}`)
  const inRegion = Object.values(cloud.state.snapshots).filter((snapshot) => snapshot.region === region && !snapshot.ofCluster)
  const named = id === undefined ? inRegion : [findSnapshot(call, id)]
  const found = filtered(query, FILTERS, named).filter(
    (snapshot) =>
      (instanceId === undefined || snapshot.instanceId === instanceId) &&
      (resourceId === undefined || snapshot.instanceResourceId === resourceId) &&
      (type === undefined || snapshot.type === type),
  )
  const page = pageOf(query, found, (snapshot) => snapshot.id)
  const views = page.items.map((snapshot) => snapshotView(cloud, snapshot))
  return { Marker: page.marker, DBSnapshots: views }
}
