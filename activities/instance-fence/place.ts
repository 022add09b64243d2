/** Which instance is fenced, and what its cloud shows of it. */
import type { CallOptions, InstanceAccess, InstanceRef, ManagedPostgres } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { FencedTarget, FencePlace } from '../../contracts/instance-fence'

export function placeOf({ cloud, account, region }: DatabaseEntry, { instance }: FencedTarget): FencePlace {
  return { cloud, account, region, instance }
}

/** Whom its networks let in while it is fenced: the control plane. */
export function leftInOf({ canary }: DatabaseEntry): readonly string[] {
  return 'securityGroups' in canary ? canary.securityGroups : canary.networks
}

/** `unknown`: it shows none, and nothing tells that it was asked in the right account. */
export type Located = InstanceAccess | 'gone' | 'unknown'

/** By its identity: one that was renamed runs on under another name, and is not gone. A worker with another account's credentials finds nothing either, and on
 *  AWS only they say which account it is. */
export async function locate(
  cloud: ManagedPostgres,
  database: DatabaseEntry,
  target: FencedTarget,
  options: CallOptions,
): Promise<Located> {
  const found = await cloud.accessOf({ name: target.instance }, options)
  if (found?.instance.instanceId === target.instanceId) return found
  const others = await cloud.listInstances(options)
  const renamed = others.find(({ instanceId }) => instanceId === target.instanceId)
  if (renamed !== undefined) {
    const access = await cloud.accessOf({ name: renamed.name }, options)
    return access?.instance.instanceId === target.instanceId ? access : 'unknown'
  }
  if (database.cloud !== 'aws') return 'gone'
  const seen = found === null ? others : [...others, found.instance]
  return seen.some(({ account }) => account === database.account) ? 'gone' : 'unknown'
}

export function refOf({ instance: { name, instanceId } }: InstanceAccess): InstanceRef {
  return { name, instanceId }
}

/** Whoever is let in beside the control plane. */
export function lettingIn({ rules, notGivenBack }: InstanceAccess, leftIn: readonly string[]): readonly string[] {
  return [...rules.filter((rule) => !leftIn.includes(rule)), ...notGivenBack]
}
