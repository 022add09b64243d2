/** Removal of what an operation made for a while: its instances, then the parameter groups that they used. */
import type { RDS } from '@aws-sdk/client-rds'
import { isTemporaryOf, OPERATION_TAG } from '../owner'
import type { CallOptions, ChangeOptions } from '../port'
import type { Rds } from './client'
import { errorName } from './failures'
import { unlessGone } from './gone'
import { findGroup } from './inert-parameters'
import { allInstances, deleteInstance } from './instances'
import { tagRecord } from './tags'

export async function removeOwnedInstances(
  rds: Rds,
  operation: string,
  options: ChangeOptions,
): Promise<{ done: boolean; removing: readonly string[] }> {
  const removing: string[] = []
  for (const { DBInstanceIdentifier: name = '', DBInstanceStatus, TagList } of await allInstances(rds, options)) {
    if (!isTemporaryOf(operation, name, tagRecord(TagList))) continue
    removing.push(name)
    if (DBInstanceStatus !== 'deleting') await deleteInstance(rds, name, options)
  }
  if (removing.length > 0) return { done: false, removing }
  await removeOwnedParameterGroups(rds, operation, options)
  return { done: true, removing: [] }
}

async function removeGroup(
  client: RDS,
  group: { name: string; arn: string; operation: string },
  options: CallOptions,
): Promise<void> {
  try {
    const tags = await client.listTagsForResource({ ResourceName: group.arn }, { abortSignal: options.signal })
    if (tagRecord(tags.TagList)[OPERATION_TAG] !== group.operation) return
    await client.deleteDBParameterGroup({ DBParameterGroupName: group.name })
  } catch (error) {
    // The SDK's own retry after a lost response finds it gone.
    if (errorName(error).startsWith('DBParameterGroupNotFound')) return
    await unlessGone(error, async () => (await findGroup(client, group.name, options)) !== null)
  }
}

/** Parameter groups can go only after the instances that use them. */
async function removeOwnedParameterGroups(rds: Rds, operation: string, options: ChangeOptions): Promise<void> {
  await rds.change('DeleteDBParameterGroup', options, async (client) => {
    let Marker: string | undefined
    do {
      const page = await client.describeDBParameterGroups(Marker === undefined ? {} : { Marker }, { abortSignal: options.signal })
      for (const group of page.DBParameterGroups ?? []) {
        // Named `cap-<operation>-<step>`: the name narrows the look-up, the tag decides.
        if (!group.DBParameterGroupName?.startsWith(`cap-${operation}-`) || group.DBParameterGroupArn === undefined) continue
        await removeGroup(client, { name: group.DBParameterGroupName, arn: group.DBParameterGroupArn, operation }, options)
      }
      Marker = page.Marker
    } while (Marker)
  })
}
