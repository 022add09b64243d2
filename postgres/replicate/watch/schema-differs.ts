/** Whether source and standby still have one schema: logical replication carries rows, and no change of a table. */

import type { Session } from '../../connect/session'
import { describeSchema, type FingerprintOptions, type SchemaDescription } from '../../inspect/fingerprint'

/** `withoutGrantee`: who follows, either way round: each has to read the tables of one side, and may be nobody on the other. */
export interface SchemaQuestion extends FingerprintOptions {
  /** Ids of the indexes that were set aside on the standby while rows are copied: as in a SchemaDescription, `index public.orders_status_idx`. */
  readonly setAside: ReadonlySet<string>
}

/** Ids of the objects that differ, sorted. Reads only. Throws ServerError, CONNECTION_LOST, or the signal's reason. */
export async function schemaDiffers(
  { source, standby }: { readonly source: Session; readonly standby: Session },
  { setAside, ...options }: SchemaQuestion,
): Promise<string[]> {
  const [here, there] = await Promise.all([describeSchema(source, options), describeSchema(standby, options)])
  return differingObjects(here, there, setAside)
}

/** What was set aside may be missing on the standby; where it is there it has to be the same. Pure. */
export function differingObjects(
  source: Pick<SchemaDescription, 'objects'>,
  standby: Pick<SchemaDescription, 'objects'>,
  setAside: ReadonlySet<string>,
): string[] {
  const there = new Map(standby.objects.map(({ id, digest }) => [id, digest]))
  const here = new Map(source.objects.map(({ id, digest }) => [id, digest]))
  const differing = [...here].flatMap(([id, digest]) => {
    const other = there.get(id)
    if (other === undefined) return setAside.has(id) ? [] : [id]
    return other === digest ? [] : [id]
  })
  return [...differing, ...[...there.keys()].filter((id) => !here.has(id))].sort()
}
