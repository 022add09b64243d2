/** Ownership as RDS tags. A tag's value may have letters, digits, spaces and _.:/=+-@: an ISO instant fits. */
import type { Tag } from '@aws-sdk/client-rds'
import { ownerTags } from '../owner'
import type { Owner } from '../port'

export function ownersTags(owner: Owner): Tag[] {
  return Object.entries(ownerTags(owner)).map(([Key, Value]) => ({ Key, Value }))
}

export function tagRecord(tags: readonly Tag[] | undefined): Record<string, string> {
  return Object.fromEntries((tags ?? []).flatMap((tag) => (tag.Key === undefined ? [] : [[tag.Key, tag.Value ?? '']])))
}
