/** Ownership as RDS tags. A tag's value may have letters, digits, spaces and _.:/=+-@: an ISO instant fits. */
import type { Tag } from '@aws-sdk/client-rds'
import { ownerTags, tagsDiffer } from '../owner'
import type { ChangeOptions, ManagedPostgres, Owner } from '../port'
import type { Rds } from './client'

export function ownersTags(owner: Owner): Tag[] {
  return Object.entries(ownerTags(owner)).map(([Key, Value]) => ({ Key, Value }))
}

export function tagRecord(tags: readonly Tag[] | undefined): Record<string, string> {
  return Object.fromEntries((tags ?? []).flatMap((tag) => (tag.Key === undefined ? [] : [[tag.Key, tag.Value ?? '']])))
}

/** Of an instance, or of a cluster: its members' tags are nobody's business here. Two calls, each of which says what it says alone. */
export async function alignTags(
  rds: Rds,
  { arn, tags }: { arn: string; tags: Readonly<Record<string, string>> },
  { set, remove }: Pick<Parameters<ManagedPostgres['setTags']>[0], 'set' | 'remove'>,
  options: ChangeOptions,
): Promise<{ done: boolean }> {
  if (!tagsDiffer(tags, { set, remove })) return { done: true }
  const Tags = Object.entries(set).map(([Key, Value]) => ({ Key, Value }))
  const TagKeys = remove.filter((name) => tags[name] !== undefined)
  if (Tags.length > 0)
    await rds.change('AddTagsToResource', options, (client) => client.addTagsToResource({ ResourceName: arn, Tags }))
  if (TagKeys.length > 0)
    await rds.change('RemoveTagsFromResource', options, (client) => client.removeTagsFromResource({ ResourceName: arn, TagKeys }))
  return { done: false }
}
