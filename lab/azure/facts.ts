/** What a request says of itself before it is carried out: which resources it names, where, and with which tags. */
import type { NamedResource } from '../faults/fault'
import { findLocation } from './locations'
import type { ResourcePath } from './protocol/path'
import { type AzureState, own, serverKey } from './state'

/** Collections below a server, as faults name what is in them. */
const CHILDREN: Readonly<Record<string, string>> = {
  administrators: 'administrator',
  backups: 'backup',
  configurations: 'configuration',
  databases: 'database',
  firewallrules: 'firewall-rule',
  virtualendpoints: 'virtual-endpoint',
}

export function resourcesOf({ server, child, shape }: ResourcePath): NamedResource[] {
  const named = server === null ? [] : [{ type: 'instance', id: serverKey(server).slice(0, 255) }]
  const type = CHILDREN[shape.split('/')[2] ?? '']
  return child === null || type === undefined ? named : [...named, { type, id: child.toLowerCase().slice(0, 255) }]
}

/** Where the server is, or would be. */
export function regionOf(path: ResourcePath, wanted: string | undefined, state: AzureState): string {
  const server = path.server === null ? undefined : own(state.servers, serverKey(path.server))
  return server?.location ?? findLocation(path.location ?? wanted ?? '') ?? ''
}
