/** Whether the cloud still has the instance that was replaced, and what there speaks against removing it. Changes nothing. */
import { PROTECTED_TAG, REPLACED_BY_TAG } from '../../clouds/owner'
import type { OldAtCloud } from '../../contracts/old-instance'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { commandsFor } from '../health/vendor-commands'
import type { ReplacementActivities } from './contract'

export async function lookAtOld(
  { ledger, cloudOf }: Pick<ActivityDeps, 'ledger' | 'cloudOf'>,
  { bundle, old, copy }: Parameters<ReplacementActivities['lookAtOld']>[0],
): Promise<OldAtCloud> {
  const { database: entry } = await ledger.getBundle(bundle)
  const cloud = cloudOf(entry)
  const { signal } = currentAct()
  const found = await cloud.describeInstance({ name: old.instance }, { signal })
  if (found === null) return { standing: 'gone', commands: [], against: [] }
  if (found.instanceId !== old.instanceId) return { standing: 'another', commands: [], against: [] }
  const standing = await cloud.describeInstance({ name: copy.instance }, { signal })
  const against = [
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
