/** What the conformance suite has to know of a cloud: how to reach it, what to ask of it, and how its lab misbehaves. */
import type { Capabilities } from '../../clouds/capabilities'
import type { ManagedPostgres } from '../../clouds/port'
import type { Cloud } from '../../contracts/fleet'

export interface CloudUnderTest {
  readonly cloud: Cloud
  readonly capabilities: Capabilities
  /** One that PostgreSQL takes at its start only, and that takes 7. */
  readonly staticParameter: 'max_logical_replication_workers' | 'max_worker_processes'
  /** Null where the suite runs against a real account: then nothing is made to go wrong. */
  readonly wire: Wire | null
  open(): Promise<OpenCloud>
}

export interface OpenCloud {
  readonly adapter: ManagedPostgres
  /** As `describeInstance` has to name it. */
  readonly account: string
  readonly region: string
  /** The same account in another region; null: where no snapshot is copied, and in a real account. */
  readonly elsewhere: { readonly adapter: ManagedPostgres; readonly region: string } | null
  /** Two that can be scaled from the first to the second. */
  readonly classes: readonly [string, string]
  /** Null where storage grows by itself. */
  readonly storageGib: number | null
  readonly masterName: string
  /** Rules that let the suite in, and rules that let nobody in. */
  readonly admitted: readonly string[]
  readonly nobody: readonly string[]
  /** Between two looks at something that is awaited. */
  readonly lookEveryMs: number
  /** Null: a real account. */
  readonly faults: Faults | null
  /** As the master, in the database `postgres`. */
  query(endpoint: Endpoint, password: string, sql: string): Promise<Row[]>
  /** Sees to it that parameters of the instance can be set, where the cloud shares them between instances. */
  ownParameters(instance: string): Promise<void>
  /** Takes the protection from removal off, which the port does not. */
  unprotect(instance: string): Promise<void>
  /** Gives an instance of a lab an address on the internet; null: it has one. */
  readonly publish: ((instance: string) => Promise<void>) | null
  close(): Promise<void>
}

export type Row = Record<string, unknown>
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** The calls of its API that a method of the port comes down to. */
export interface Wire {
  readonly describe: string
  readonly create: string
  readonly remove: string
  readonly scale: string
  readonly restart: string
  readonly snapshot: string
  readonly snapshotRemoval: string
  /** Left out where none are copied. */
  readonly snapshotCopy?: string
  readonly passwordReset: string
  /** By which windows and backups are changed. */
  readonly configure: string
  /** By which tags are set. */
  readonly tag: string
  /** Of an inert restore; the last one brings the data. */
  readonly restore: readonly string[]
  /** The fault by which `conf-shop` is too busy for a snapshot; left out: its busy tail. */
  readonly busy?: object
  readonly restoreToTime: readonly string[]
  readonly replica: string
  readonly promotion: string
}

/** Of a lab. */
export interface Faults {
  order(fault: object): Promise<void>
  clear(): Promise<void>
  /** That every one has struck as often as it was to. */
  allStruck(): Promise<boolean>
  /** Calls of that name which changed something, for a resource. */
  effects(operation: string, resource: string): Promise<number>
  /** Calls of whatever name which changed something. */
  effectsInAll(): Promise<number>
}

/** What the person who names an account says of it; the fields of each cloud are at the top of its file. */
export type RealAccount = Pick<OpenCloud, 'account' | 'region' | 'classes' | 'storageGib' | 'admitted' | 'nobody'> & {
  /** Of Azure. */
  readonly resourceGroup?: string
  readonly copiesResourceGroup?: string
}

/** The account that the environment names for a real run: `CAPSTAN_CONFORMANCE_AWS`, `_AURORA`, `_AZURE` or `_GCP`. Throws where nobody says that it
 *  may cost something. */
export function realAccount(cloud: Cloud | 'aurora', env: NodeJS.ProcessEnv = process.env): RealAccount | null {
  const name = `CAPSTAN_CONFORMANCE_${cloud.toUpperCase()}`
  const text = env[name]
  if (text === undefined) return null
  if (env.CAPSTAN_CONFORMANCE_COSTS === 'accepted') return JSON.parse(text) as RealAccount
  throw new Error(
    `${name} names a real account: about seven instances would be made in it, for an hour or two. Nothing was asked for. ` +
      'Set CAPSTAN_CONFORMANCE_COSTS=accepted if whoever pays for it agrees (docs/real-clouds.md).',
  )
}
