/** What applications connect to, and where it leads. How it is moved: activities/traffic/. */

export interface HostPort {
  readonly host: string
  readonly port: number
}

/** Names are the same however they are written: case, and the dot of the root. */
export function samePlace(one: HostPort, other: HostPort): boolean {
  return nameOf(one.host) === nameOf(other.host) && one.port === other.port
}

function nameOf(host: string): string {
  return host.toLowerCase().replace(/\.$/, '')
}

/** Of a database of the fleet file. `none`: nobody but a person can move it. `command`: the worker runs a program of its own folder, named by
 *  its file name. `lab-router`: a name of the lab's router. `pgbouncer`: the database of that name in each of the poolers. `dns`: the record of a name. */
export type Endpoint =
  | { readonly kind: 'none' }
  | { readonly kind: 'command'; readonly move: readonly string[]; readonly check: readonly string[]; readonly timeoutMs: number }
  | { readonly kind: 'lab-router'; readonly name: string }
  | {
      readonly kind: 'pgbouncer'
      readonly database: string
      readonly poolers: readonly Pooler[]
      readonly target: PoolerTarget
    }
  | {
      readonly kind: 'dns'
      readonly zone: DnsZone
      /** As `dnsName` gives it. */
      readonly name: string
      /** What the record has from a move on, and should have before. */
      readonly ttlSeconds: number
      /** What applications connect to beside the name: a record has none. */
      readonly port: number
    }

/** Where the record is kept. `id`: of the hosted zone, since zones share names; with Azure zones are named as their domain, with Google by a name of their own. */
export type DnsZone =
  | { readonly provider: 'aws'; readonly id: string }
  | { readonly provider: 'azure'; readonly subscription: string; readonly resourceGroup: string; readonly name: string }
  | { readonly provider: 'gcp'; readonly project: string; readonly name: string }

/** The task queue whose worker is asked about the endpoint, and moves it: that one holds what it takes. */
export function endpointQueue(endpoint: Endpoint | undefined): EndpointQueue {
  return endpoint?.kind === 'dns' ? endpoint.zone.provider : 'postgres'
}
export type EndpointQueue = 'postgres' | DnsZone['provider']

/** A PgBouncer, by its admin console. */
export interface Pooler extends HostPort {
  /** One of its `admin_users`. */
  readonly user: string
  /** A reference, as of a connection. */
  readonly secret: string
  readonly tls: 'disable' | 'require' | 'verify-full'
}

/** Who writes the file that says where the poolers lead: the worker, below its own folder of such files, or a program of its folder of programs. */
export type PoolerTarget =
  | { readonly by: 'file'; readonly file: string }
  | { readonly by: 'program'; readonly write: readonly string[]; readonly timeoutMs: number }

/** Where it leads now. `at` null: nobody can be asked. */
export interface EndpointState {
  readonly kind: Endpoint['kind']
  readonly at: HostPort | null
  /** One line for people. */
  readonly summary: string
  /** What a move would cost clients although nothing goes wrong, a sentence each. Absent: nothing. */
  readonly warnings?: readonly string[]
}

/** `by-hand`: nothing was moved; `summary` says what a person has to do. */
export interface MovedEndpoint {
  readonly moved: 'moved' | 'already-there' | 'by-hand'
  readonly summary: string
}

/** `nothing-to-pause`: the endpoint has no such thing; whoever is connected sees an error instead of a wait. */
export interface PausedEndpoint {
  readonly paused: 'paused' | 'nothing-to-pause'
  readonly summary: string
}

export interface ResumedEndpoint {
  readonly resumed: 'resumed' | 'was-not-paused' | 'nothing-to-pause'
  readonly summary: string
}

/** Of one pooler: what a pause of it depends on. */
export interface PoolerFacts extends HostPort {
  /** As it calls itself, such as `PgBouncer 1.18.0`. */
  readonly version: string
  /** Of the database, and of each of its pools that there is. */
  readonly poolModes: readonly string[]
  /** How long a client waits before its pooler ends it; null: without end. */
  readonly queryWaitTimeoutMs: number | null
  /** How long it asks no server after a connection that was refused, or that a pause cut off while it was being made. */
  readonly serverLoginRetryMs: number
  readonly serverLifetimeMs: number
  readonly clientsMax: number
  /** Several processes behind one port: a command reaches any one of them. */
  readonly sharedPort: boolean
  readonly paused: boolean
}

/** What stands against a pause of the endpoint, before anybody tries it. */
export interface PauseFacts {
  readonly kind: Endpoint['kind']
  /** Of no other kind than poolers. */
  readonly poolers: readonly PoolerFacts[]
  /** One sentence each: what was found, what it would do, what to do about it. Empty: it can be paused. */
  readonly objections: readonly string[]
  /** Of the shortest `queryWaitTimeoutMs`; null: nobody is ended for waiting. */
  readonly waitMsMax: number | null
  /** Clients may wait for that much longer than the pause: the longest `serverLoginRetryMs`. */
  readonly waitMsAfter: number
}
