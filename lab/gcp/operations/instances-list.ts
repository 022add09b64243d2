/** instances.list: those that a filter lets through, in pages. */
import { type Operation, textOf } from '../cloud'
import { parseFilter } from '../filter'
import { pageOf } from '../paging'
import type { Json } from '../protocol/json'
import { instanceView } from '../views'

export const listInstances: Operation = async ({ cloud, fields, prefix }) => {
  const passes = parseFilter(textOf(fields.filter))
  const authority = await cloud.authority()
  const views = Object.values(cloud.state.instances).map((instance) => instanceView(cloud, instance, prefix, authority))
  const { items, nextPageToken } = pageOf(
    fields,
    views.filter((view) => passes(view as Json)),
    ({ name }) => String(name),
  )
  return { kind: 'sql#instancesList', items: items as Json[], nextPageToken }
}
