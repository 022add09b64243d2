/** What the conformance suite has to know of a cloud: how to reach it, what to ask of it, and how its lab misbehaves. */
import type { Capabilities } from '../../clouds/capabilities'
import type { ManagedPostgres } from '../../clouds/port'
import type { Cloud } from '../../contracts/fleet'

export interface CloudUnderTest {
  readonly cloud: Cloud
  readonly capabilities: Capabilities
  /** Null where the suite runs against a real account: then nothing is made to go wrong. */
  readonly wire: Wire | null
  open(): Promise<OpenCloud>
}

export interface OpenCloud {
  readonly adapter: ManagedPostgres
  /** As `describeInstance` has to name it. */
  readonly account: string
  readonly region: string
  /** Two that can be scaled from the first to the second. */
  readonly classes: readonly [string, string]
  readonly storageGib: number
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
  /** Takes the protection from removal off, which the port does not. */
  unprotect(instance: string): Promise<void>
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
  readonly passwordReset: string
  /** Of an inert restore, in their order; the last one brings the data. */
  readonly restore: readonly string[]
  readonly restoreToTime: readonly string[]
}

/** Of a lab. */
export interface Faults {
  order(fault: object): Promise<void>
  clear(): Promise<void>
  /** Calls of that name which changed something, for a resource. */
  effects(operation: string, resource: string): Promise<number>
  /** Calls of whatever name which changed something. */
  effectsInAll(): Promise<number>
}

/** The account that the environment names for a real run: `CAPSTAN_CONFORMANCE_AWS`, `_AZURE` or `_GCP`. */
export function realAccount(cloud: Cloud): Record<string, unknown> | null {
  const text = process.env[`CAPSTAN_CONFORMANCE_${cloud.toUpperCase()}`]
  return text === undefined ? null : (JSON.parse(text) as Record<string, unknown>)
}
