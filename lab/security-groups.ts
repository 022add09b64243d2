/** Network rules by name, for every simulated cloud: a group is a list of source networks that are let in. Loopback has no
 *  network between, so the servers themselves enforce them by the caller's source address. */

export interface SecurityGroup {
  cidrs: string[]
}

/** Lets nobody in. A restored copy without a group of its own gets this one, as in life. */
export const DEFAULT_GROUP = 'sg-default'

export function isGroupId(id: string): boolean {
  return /^sg-[a-z0-9][a-z0-9-]{0,60}$/.test(id)
}

export function allowedNetworks(groups: Readonly<Record<string, SecurityGroup>>, ids: readonly string[]): string[] {
  return [...new Set(ids.flatMap((id) => groups[id]?.cidrs ?? []))].sort()
}
