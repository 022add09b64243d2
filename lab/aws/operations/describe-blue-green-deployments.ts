/** DescribeBlueGreenDeployments: one by its identifier, or all of the region, in pages. */
import { deploymentView } from '../blue-green/view'
import { findDeployment, type Operation } from '../cloud'
import { type FilterTable, filtered } from '../filters'
import type { BlueGreenDeployment } from '../generated/answers'
import { pageOf } from '../paging'

const FILTERS: FilterTable<BlueGreenDeployment> = {
  'blue-green-deployment-identifier': ({ BlueGreenDeploymentIdentifier: id }, value) => id === value.toLowerCase(),
  'blue-green-deployment-name': ({ BlueGreenDeploymentName: name }, value) => name === value,
  source: ({ Source }, value) => Source === value,
  target: ({ Target }, value) => Target === value,
}

export const describeBlueGreenDeployments: Operation<'DescribeBlueGreenDeployments'> = async (call) => {
  const { cloud, query, region } = call
  const id = query.text('BlueGreenDeploymentIdentifier')
  const inRegion = Object.values(cloud.state.deployments).filter((deployment) => deployment.region === region)
  const named = id === undefined ? inRegion : [findDeployment(call, id)]
  const views = named.map((deployment) => deploymentView(cloud.state, deployment))
  const page = pageOf(query, filtered(query, FILTERS, views), ({ BlueGreenDeploymentIdentifier }) =>
    String(BlueGreenDeploymentIdentifier),
  )
  return { Marker: page.marker, BlueGreenDeployments: page.items }
}
