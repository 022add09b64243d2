/** What a restore of a copy is told beyond its names: who may connect, its class where the cloud lets that be chosen, and in another region its subnets. */
import type { Capabilities } from '../../clouds/capabilities'
import type { CopyRequest } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'

type CopyKind = keyof Capabilities['copyOfAnotherClass']

export function copySettings(
  database: DatabaseEntry,
  capabilities: Capabilities,
  kind: CopyKind,
): Pick<CopyRequest, 'networkRules' | 'instanceClass' | 'subnetGroup'> {
  const { canary } = database
  const networkRules = 'securityGroups' in canary ? canary.securityGroups : canary.networks
  const subnetGroup = 'subnetGroup' in canary ? canary.subnetGroup : undefined
  const settings = { networkRules, instanceClass: copyClass(database, capabilities, kind) }
  return subnetGroup === undefined ? settings : { ...settings, subnetGroup }
}

/** Null: the source's own. A cloud that cannot give a copy of that kind another class is not asked to. */
export function copyClass(database: DatabaseEntry, { copyOfAnotherClass }: Capabilities, kind: CopyKind): string | null {
  return copyOfAnotherClass[kind] && 'instanceClass' in database.canary ? database.canary.instanceClass : null
}
