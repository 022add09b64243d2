/** Reads from a history which activities ran, and from the lab which calls it had, so that a new one is disturbed without anybody listing
 *  it. */
import type { temporal } from '@temporalio/proto'
import type { CloudCall } from '../../support/lab'
import type { ActivityCall, CloudCallKind } from './golden'

type Event = temporal.api.history.v1.IHistoryEvent

const LOCAL_ACTIVITY_MARKER = 'core_local_activity'

export function activitiesOf({ events }: temporal.api.history.v1.IHistory): ActivityCall[] {
  const seen = new Map<string, number>()
  return (events ?? []).flatMap((event) => {
    const remote = event.activityTaskScheduledEventAttributes
    const name = remote?.activityType?.name ?? localActivity(event)
    if (name == null) return []
    const n = (seen.get(name) ?? 0) + 1
    seen.set(name, n)
    return { call: `${name}#${n}`, queue: remote?.taskQueue?.name ?? null }
  })
}

function localActivity({ markerRecordedEventAttributes: marker }: Event): string | null {
  if (marker?.markerName !== LOCAL_ACTIVITY_MARKER) return null
  const [payload] = marker.details?.data?.payloads ?? []
  const { activity_type: name } = JSON.parse(Buffer.from(payload?.data ?? []).toString('utf8')) as { activity_type?: string }
  if (name === undefined) throw new Error('a local activity without a name: its marker has another shape now')
  return name
}

/** Those that name a resource. One that names none cannot be told from a test's own look at everything, and is not disturbed yet. */
export function cloudCallsOf(calls: readonly CloudCall[], operation: string): CloudCallKind[] {
  const kinds = new Map<string, CloudCallKind>()
  for (const call of calls) {
    const id = call.resources[0]?.id
    if (id === undefined) continue
    const resource = id.replace(operation, '{operation}')
    const kind = `${call.operation} ${resource}`
    const effect = call.effect || kinds.get(kind)?.effect === true
    kinds.set(kind, { operation: call.operation, resource, effect })
  }
  return [...kinds.values()]
}
