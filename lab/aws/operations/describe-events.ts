/** DescribeEvents: what happened in the last 60 minutes, or as asked, oldest first, in pages. Those of a source that is gone can still
 *  be asked for. */
import type { Operation } from '../cloud'
import { invalidCombination, invalidValue } from '../errors'
import { EVENTS_KEPT_MS } from '../events'
import { filtered, NO_FILTERS } from '../filters'
import type { Event } from '../generated/answers'
import { pageOf } from '../paging'
import type { Query } from '../protocol/query'
import { arn, type EventRecord } from '../state'

const MINUTE = 60_000
const DEFAULT_MINUTES = 60

export const describeEvents: Operation<'DescribeEvents'> = async ({ cloud, query, region }) => {
  const sourceType = query.text('SourceType')
  const sourceId = query.text('SourceIdentifier')?.toLowerCase()
  if (sourceId !== undefined && sourceType === undefined) {
    throw invalidCombination('SourceType must be given when SourceIdentifier is.')
  }
  const { from, to } = window(query)
  const categories = query.list('EventCategories') ?? []
  const found = filtered(query, NO_FILTERS, cloud.state.events).filter(
    (event) =>
      event.region === region &&
      (sourceType === undefined || event.sourceType === sourceType) &&
      (sourceId === undefined || event.sourceId === sourceId) &&
      (categories.length === 0 || event.categories.some((category) => categories.includes(category))) &&
      event.at >= from &&
      event.at <= to,
  )
  const page = pageOf(query, found, ({ seq }) => String(seq).padStart(12, '0'))
  return { Marker: page.marker, Events: page.items.map(eventView) }
}

function window(query: Query): { from: string; to: string } {
  const now = Date.now()
  const [start, end] = [query.time('StartTime'), query.time('EndTime')]
  const minutes = query.integer('Duration')
  if (minutes !== undefined && (minutes < 1 || minutes * MINUTE > EVENTS_KEPT_MS)) {
    throw invalidValue(`Invalid duration: ${minutes}. Events of the last 14 days can be described.`)
  }
  if (start !== undefined && start < now - EVENTS_KEPT_MS - MINUTE) {
    throw invalidValue('Invalid start time: events of the last 14 days can be described.')
  }
  const lengthMs = (minutes ?? DEFAULT_MINUTES) * MINUTE
  const to = end ?? (start !== undefined && minutes !== undefined ? start + lengthMs : now)
  const from = start ?? to - lengthMs
  if (from > to) throw invalidCombination('The start time is later than the end time.')
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() }
}

const KIND_OF_ARN = {
  'db-instance': 'db',
  'db-snapshot': 'snapshot',
  'db-parameter-group': 'pg',
  'db-cluster': 'cluster',
  'db-cluster-snapshot': 'cluster-snapshot',
  'blue-green-deployment': 'deployment',
} as const

function eventView({ at, region, sourceType, sourceId, message, categories }: EventRecord): Event {
  return {
    SourceIdentifier: sourceId,
    SourceType: sourceType,
    Message: message,
    EventCategories: categories,
    Date: at,
    SourceArn: arn(region, KIND_OF_ARN[sourceType], sourceId),
  }
}
