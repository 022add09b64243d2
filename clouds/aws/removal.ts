/** Removal of what an operation made for a while: its instances, then the parameter groups that they used. */
import type { RDS } from '@aws-sdk/client-rds'
import { assertUnprotected, isTemporaryOf, OPERATION_TAG } from '../owner'
import type { CallOptions, ChangeOptions } from '../port'
import type { Rds } from './client'
import { instanceDescription } from './describe'
import { unlessGone } from './gone'
import { allInstances, deleteInstance } from './instances'
import { everyOf, findGroup, type GroupKind, isNoGroup, OF_INSTANCE, type ParameterGroup } from './parameter-groups'
import { tagRecord } from './tags'

export async function removeOwnedInstances(
  rds: Rds,
  operation: string,
  options: ChangeOptions,
): Promise<{ done: boolean; removing: readonly string[] }> {
  const owned = (await allInstances(rds, options)).filter(({ DBInstanceIdentifier = '', TagList }) =>
    isTemporaryOf(operation, DBInstanceIdentifier, tagRecord(TagList)),
  )
  const staying = owned.filter(({ DBInstanceStatus }) => DBInstanceStatus !== 'deleting')
  for (const instance of staying) assertUnprotected(instanceDescription(instance))
  for (const instance of staying) await deleteInstance(rds, instance, options)
  const removing = owned.map(({ DBInstanceIdentifier = '' }) => DBInstanceIdentifier)
  if (removing.length > 0) return { done: false, removing }
  await removeOwnedParameterGroups(OF_INSTANCE, rds, operation, options)
  return { done: true, removing: [] }
}

async function removeGroup(
  kind: GroupKind,
  client: RDS,
  { name, arn }: ParameterGroup,
  operation: string,
  options: CallOptions,
): Promise<void> {
  try {
    const tags = await client.listTagsForResource({ ResourceName: arn }, { abortSignal: options.signal })
    if (tagRecord(tags.TagList)[OPERATION_TAG] !== operation) return
    await kind.remove(client, name)
  } catch (error) {
    // The SDK's own retry after a lost response finds it gone.
    if (isNoGroup(error)) return
    await unlessGone(error, async () => (await findGroup(kind, client, name, options)) !== null)
  }
}

/** Parameter groups can go only after the instances, or the clusters, that use them. */
export async function removeOwnedParameterGroups(
  kind: GroupKind,
  rds: Rds,
  operation: string,
  options: ChangeOptions,
): Promise<void> {
  await rds.change(kind.deletion, options, async (client) => {
    for (const group of await everyOf((marker) => kind.list(client, { marker }, options))) {
      // Named `cap-<operation>-<step>`: the name narrows the look-up, the tag decides.
      if (group.name.startsWith(`cap-${operation}-`)) await removeGroup(kind, client, group, operation, options)
    }
  })
}
