/** Ownership as RDS tags. A tag's value may have letters, digits, spaces and _.:/=+-@: an ISO instant fits. */
import type { DBInstance, Tag } from '@aws-sdk/client-rds'
import { ownerTags, tagsDiffer } from '../owner'
import type { ChangeOptions, ManagedPostgres, Owner } from '../port'
import type { Rds } from './client'

export function ownersTags(owner: Owner): Tag[] {
  return Object.entries(ownerTags(owner)).map(([Key, Value]) => ({ Key, Value }))
}

export function tagRecord(tags: readonly Tag[] | undefined): Record<string, string> {
  return Object.fromEntries((tags ?? []).flatMap((tag) => (tag.Key === undefined ? [] : [[tag.Key, tag.Value ?? '']])))
}

/** Of an instance, or of a cluster without its members. Two calls, each of which says what it says alone. */
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

/** Of a cluster's members, those alone that bear what the cluster loses: whoever goes by tags would otherwise take them for what the cluster was. What is
 *  set comes before what is taken off, so that none of them is ever without both. Others are their owner's. */
export async function alignMembers(
  rds: Rds,
  members: readonly DBInstance[],
  wanted: Pick<Parameters<ManagedPostgres['setTags']>[0], 'set' | 'remove'>,
  options: ChangeOptions,
): Promise<{ done: boolean }> {
  for (const { DBInstanceArn: arn = '', TagList } of members) {
    const tags = tagRecord(TagList)
    if (!wanted.remove.some((name) => tags[name] !== undefined)) continue
    const { done } = await alignTags(rds, { arn, tags }, wanted, options)
    if (!done) return { done }
  }
  return { done: true }
}
