/** Whether the cloud still has the instance that was replaced, and what there speaks against removing it. Changes nothing. */
import { PROTECTED_TAG, REPLACED_BY_TAG } from '../../clouds/owner'
import type { InstanceDescription, ManagedPostgres } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { FencedTarget } from '../../contracts/instance-fence'
import type { OldAtCloud } from '../../contracts/old-instance'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { commandsFor } from '../health/vendor-commands'
import type { ReplacementActivities } from './contract'

/** The one cloud that renames: whoever has no instance of the name any more may have it under another one. */
async function renamed(
  cloud: ManagedPostgres,
  { instanceId }: Pick<FencedTarget, 'instanceId'>,
  signal: AbortSignal,
): Promise<InstanceDescription | null> {
  const all = await cloud.listInstances({ signal })
  return all.find((one) => one.instanceId === instanceId) ?? null
}

export interface OldFound {
  readonly standing: OldAtCloud['standing']
  /** Null: it is not there. */
  readonly found: InstanceDescription | null
}

/** The very instance, by its immutable id. */
export async function findOldInstance(
  cloud: ManagedPostgres,
  { entry, old, signal }: { readonly entry: DatabaseEntry; readonly old: FencedTarget; readonly signal: AbortSignal },
): Promise<OldFound> {
  const named = await cloud.describeInstance({ name: old.instance }, { signal })
  const found = named?.instanceId === old.instanceId ? named : entry.cloud === 'aws' ? await renamed(cloud, old, signal) : null
  return { standing: found !== null ? 'there' : named === null ? 'gone' : 'another', found }
}

/** What of the instance itself speaks against removing it. `name`: by which it was known. */
export function againstRemoving(found: Pick<InstanceDescription, 'name' | 'tags'>, name: string): string[] {
  return [
    ...(found.name === name ? [] : [`It was renamed to ${found.name} since: somebody may mean to use it.`]),
    ...(found.tags[PROTECTED_TAG] === undefined ? [] : [`It bears its user's tag ${PROTECTED_TAG}.`]),
  ]
}

/** What a person types to remove it. */
export function removalOf(
  entry: DatabaseEntry,
  found: Pick<InstanceDescription, 'name' | 'deletionProtected'>,
): readonly string[] {
  return commandsFor({ ...entry, instance: found.name }).remove(found.deletionProtected)
}

export async function lookAtOld(
  { ledger, cloudOf }: Pick<ActivityDeps, 'ledger' | 'cloudOf'>,
  { bundle, old, copy }: Parameters<ReplacementActivities['lookAtOld']>[0],
): Promise<OldAtCloud> {
  const { database: entry } = await ledger.getBundle(bundle)
  const cloud = cloudOf(entry)
  const { signal } = currentAct()
  const { standing, found } = await findOldInstance(cloud, { entry, old, signal })
  if (found === null) return { standing, commands: [], against: [] }
  const successor = await cloud.describeInstance({ name: copy.instance }, { signal })
  const against = [
    ...againstRemoving(found, old.instance),
    ...(found.tags[REPLACED_BY_TAG] === copy.instance
      ? []
      : [`It is not marked ${REPLACED_BY_TAG}=${copy.instance}: operations that name it are not refused.`]),
    ...(successor?.instanceId === copy.instanceId
      ? successor.state === 'ready'
        ? []
        : [`What took its place, ${copy.instance}, is ${successor.cloudState}.`]
      : [`What took its place, ${copy.instance}, is not there any more.`]),
  ]
  return { standing, commands: removalOf(entry, found), against }
}
