/** Servers_ListByResourceGroup and Servers_ListBySubscription: all on one page, since a lab has few. A resource group is there as soon
 *  as somebody names it. */
import type { Operation } from '../cloud'
import { serverViewNow } from '../views-now'

export const listServers: Operation = async ({ cloud, path }) => {
  const group = path.resourceGroup?.toLowerCase()
  const found = Object.values(cloud.state.servers).filter(
    ({ subscription, resourceGroup }) =>
      subscription.toLowerCase() === path.subscription?.toLowerCase() &&
      (group === undefined || resourceGroup.toLowerCase() === group),
  )
  return { status: 200, body: { value: await Promise.all(found.map((server) => serverViewNow(cloud, server))) } }
}
