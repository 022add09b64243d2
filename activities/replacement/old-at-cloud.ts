/** Whether the cloud still has the instance that was replaced, and what there speaks against removing it. Changes nothing. */
import { PROTECTED_TAG, REPLACED_BY_TAG } from '../../clouds/owner'
import type { InstanceDescription, ManagedPostgres } from '../../clouds/port'
import type { InstanceAddress } from '../../contracts/migrate'
import type { OldAtCloud } from '../../contracts/old-instance'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { commandsFor } from '../health/vendor-commands'
import type { ReplacementActivities } from './contract'

/** The one cloud that renames: whoever has no instance of the name any more may have it under another one. */
async function renamed(
  cloud: ManagedPostgres,
  { instanceId }: InstanceAddress,
  signal: AbortSignal,
): Promise<InstanceDescription | null> {
  const all = await cloud.listInstances({ signal })
  return all.find((one) => one.instanceId === instanceId) ?? null
}

export async function lookAtOld(
  { ledger, cloudOf }: Pick<ActivityDeps, 'ledger' | 'cloudOf'>,
  { bundle, old, copy }: Parameters<ReplacementActivities['lookAtOld']>[0],
): Promise<OldAtCloud> {
  const { database: entry } = await ledger.getBundle(bundle)
  const cloud = cloudOf(entry)
  const { signal } = currentAct()
  const named = await cloud.describeInstance({ name: old.instance }, { signal })
  const found = named?.instanceId === old.instanceId ? named : entry.cloud === 'aws' ? await renamed(cloud, old, signal) : null
  if (found === null) return { standing: named === null ? 'gone' : 'another', commands: [], against: [] }
  const standing = await cloud.describeInstance({ name: copy.instance }, { signal })
  const against = [
    ...(found.name === old.instance ? [] : [`It was renamed to ${found.name} since: somebody may mean to use it.`]),
    ...(found.tags[REPLACED_BY_TAG] === copy.instance
      ? []
      : [`It is not marked ${REPLACED_BY_TAG}=${copy.instance}: operations that name it are not refused.`]),
    ...(found.tags[PROTECTED_TAG] === undefined ? [] : [`It bears its user's tag ${PROTECTED_TAG}.`]),
    ...(standing?.instanceId === copy.instanceId
      ? standing.state === 'ready'
        ? []
        : [`What took its place, ${copy.instance}, is ${standing.cloudState}.`]
      : [`What took its place, ${copy.instance}, is not there any more.`]),
  ]
  return { standing: 'there', commands: commandsFor({ ...entry, instance: found.name }).remove(found.deletionProtected), against }
}
