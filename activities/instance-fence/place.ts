/** Which instance is fenced, and what its cloud shows of it. */
import type { CallOptions, InstanceAccess, InstanceRef, ManagedPostgres } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { FencedInstance, FencedTarget, FencePlace } from '../../contracts/instance-fence'
import { holdsOf } from '../../ledger/fenced-instances'
import { hasOpened } from '../../ledger/moved-last'
import type { ActivityDeps } from '../deps'
import type { Fencing } from './contract'

export function placeOf({ cloud, account, region }: DatabaseEntry, { instance }: FencedTarget): FencePlace {
  return { cloud, account, region, instance }
}

/** Whom its networks let in while it is fenced: the control plane. */
export function leftInOf({ canary }: DatabaseEntry): readonly string[] {
  return 'securityGroups' in canary ? canary.securityGroups : canary.networks
}

/** Whoever fences it is known before its cloud is told anything. */
export async function openRow(
  ledger: ActivityDeps['ledger'],
  { bundle, operation, target, requestedBy, reason }: Fencing & { requestedBy: string; reason: string },
): Promise<FencedInstance> {
  const { database } = await ledger.getBundle(bundle)
  return ledger.openFence({
    ...{ ...placeOf(database, target), instanceId: target.instanceId, operation, bundle, database: database.name },
    ...{ since: new Date().toISOString(), requestedBy, reason, leftIn: leftInOf(database) },
  })
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

/** The failover that has made another database the writer in its place, unless its fence was lifted: of an instance that is gone, too; `writer`: that one's fleet name, null where its bundle does not
 *  say; `of`: only where it has given up this one of the instance's databases. Null: none. */
export async function openedBehind(
  ledger: Pick<ActivityDeps['ledger'], 'getDocument' | 'getBundle'>,
  held: FencedInstance | null,
  { instanceId }: FencedTarget,
  of?: string,
): Promise<{ readonly operation: string; readonly writer: string | null } | null> {
  if (held === null || held.instanceId !== instanceId || held.state === 'lifted') return null
  for (const { operation, bundle } of holdsOf(held)) {
    if (!(await hasOpened(ledger, operation))) continue
    const { database, failover, exchange } = await ledger.getBundle(bundle)
    if (of !== undefined && database.name !== of) continue
    return { operation, writer: (failover ?? exchange)?.standby.name ?? null }
  }
  return null
}
