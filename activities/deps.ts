/** What activities are made from. The worker composes it; tests compose it with real parts too. */

import type { DnsZonePort } from '../clouds/dns-port'
import type { ManagedPostgres } from '../clouds/port'
import type { DnsZone } from '../contracts/endpoint'
import type { DatabaseEntry, SecretRef } from '../contracts/fleet'
import type { Ledger } from '../ledger/ledger'

export interface ActivityDeps {
  readonly ledger: Ledger
  /** The adapter for an entry's cloud, account, region and, on Azure, resource group. */
  readonly cloudOf: (entry: DatabaseEntry) => ManagedPostgres
  /** Throws SECRET_UNRESOLVED naming the reference, never the value. */
  readonly resolveSecret: (ref: SecretRef) => Promise<string>
  /** The control plane's own key: what has to be known twice without being stored is derived from it. */
  readonly secretKey: Buffer
  /** The local address that connections to databases leave from; null: the system chooses. */
  readonly sourceAddress: string | null
  /** From which place of the network it looks, by its operator; absent: its machine, and the address that it leaves by. */
  readonly vantage?: string
  readonly endpoints: EndpointAccess
  /** The folder of the files by which a person goes on without us; left out: none is written. */
  readonly papersFolder?: string
}

/** What may move endpoints, as far as this worker's configuration allows. */
export interface EndpointAccess {
  /** The folder of the programs that fleet files may name, and the PATH that they are given; null: none is run. */
  readonly commands: { readonly folder: string; readonly path: string } | null
  /** The lab's own API; null: there is none. */
  readonly labRouter: { readonly api: string; readonly token: string } | null
  /** The folder of the files that poolers include; left out: none is written. */
  readonly poolerFiles?: string
  /** Zones of the clouds that this worker serves; null: of another one. Left out: none. */
  readonly dnsOf?: (zone: DnsZone) => DnsZonePort | null
}
