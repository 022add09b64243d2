/** What a replacement leaves: the old instance, closed, for the time that was declared. Nothing here removes it: it is told that it may go, what speaks
 *  against that, and by which commands a person removes it. */
import type { EndpointQueue, HostPort } from './endpoint'
import type { Cloud } from './fleet'
import type { InstanceAddress } from './migrate'
import type { IsoInstant, OperationId, Sha256 } from './operation'

export const RETIRE_OLD_WORKFLOW = 'retireOld'

/** What it is in the ledger's list of resources: of another kind than what an operation made, so that no removal finds it. */
export const OLD_INSTANCE = 'replaced-instance'

export interface RetireOldInput {
  /** The replacement. */
  readonly operation: OperationId
  readonly cloud: Cloud
  readonly bundle: Sha256
  readonly old: InstanceAddress
  /** What took its place. */
  readonly copy: InstanceAddress
  readonly keepHours: number
  readonly heartbeatTimeoutMs: number
  /** Whose worker moves the endpoint; absent: that of `postgres`. */
  readonly endpointOn?: EndpointQueue
  /** Where an earlier run of it left off; none of the first one. */
  readonly carriedOn?: { readonly until: IsoInstant | null }
}

/** What it may be told, and asked. */
export const OLD_UPDATES = { keep: 'keep-old', look: 'look-at-old' } as const

/** Until when it is kept; null: for good, and nobody is reminded. */
export interface KeepOldInput {
  readonly by: string
  readonly until: IsoInstant | null
}

/** Who said so, in the ledger: of the time that was said last, whoever said it first. */
export interface OldKeptDocument {
  readonly version: 1
  readonly by: string
  readonly until: IsoInstant | null
}

export function oldKeptDocument(until: IsoInstant | null): string {
  return `old-kept-${until === null ? 'for-good' : new Date(until).toISOString()}`
}

/** What the cloud says of it. `another`: the name is another instance's by now. */
export interface OldAtCloud {
  readonly standing: 'there' | 'another' | 'gone'
  /** What a person types to remove it, a last backup included where the cloud keeps one. */
  readonly commands: readonly string[]
  /** Each a sentence. */
  readonly against: readonly string[]
}

/** Asked right before somebody removes it. */
export interface OldInstanceLook extends OldAtCloud {
  /** Its own address. */
  readonly address: HostPort
  /** What nobody could be asked, and a person has to look at: each a sentence. */
  readonly unasked: readonly string[]
  readonly asOf: IsoInstant
  readonly until: IsoInstant | null
}

/** Of the workflow that keeps its time. */
export function retirementOfOld(operation: OperationId): string {
  return `retire-old/${operation}`
}
