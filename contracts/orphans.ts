/** Temporary instances that an account of the fleet holds, and whether anybody still cares for each. */
import type { Cloud } from './fleet'
import type { FailureRecord, IsoInstant, OperationId, Sha256 } from './operation'

export const ORPHANS_WORKFLOW = 'orphans'
export const SWEEP_WORKFLOW = 'sweepOrphans'

/** Why it stays; only an `orphan` may be removed. `in-use`: the fleet file names it as a database's instance. `not-ours`: its name and its tags do
 *  not say, alike, who made it. `unknown-operation`: this ledger has no record that the operation made it; another control plane's may. */
export const COPY_STANDINGS = [
  'orphan',
  'at-work',
  'kept',
  'took-over',
  'in-use',
  'protected',
  'being-removed',
  'unknown-operation',
  'not-ours',
] as const
export type CopyStanding = (typeof COPY_STANDINGS)[number]

export interface TemporaryInstance {
  readonly name: string
  readonly instanceId: string
  readonly cloud: Cloud
  readonly account: string
  readonly region: string
  /** The cloud's own word. */
  readonly state: string
  /** As its tags claim; null: they do not say. */
  readonly operation: OperationId | null
  readonly step: string | null
  /** Until when it is kept, by its tag or by the ledger, whichever is later; null: as long as its operation. */
  readonly expiresAt: IsoInstant | null
  readonly standing: CopyStanding
}

export interface OrphansInput {
  /** Of any database of the account. */
  readonly bundle: Sha256
  readonly cloud: Cloud
  readonly remove: boolean
  readonly heartbeatTimeoutMs: number
  /** Instances of the fleet file that are named as copies are, in lower case: what took over keeps its name. Absent: none. */
  readonly named?: readonly string[]
}

/** `<cloud>/<account>/…`: what is listed together. */
export type PlaceId = string

/** What each run by the clock is told. It stands in the schedule, as it was when the schedule was last applied. */
export interface SweepInput extends Required<Omit<OrphansInput, 'remove'>> {
  readonly version: 1
  readonly kind: 'orphans'
  readonly place: PlaceId
  readonly addedBy: string
  readonly workflowTaskTimeoutMs: number
}

/** `failure`: why it could not be removed, in words. */
export interface OrphanRemoval extends Pick<TemporaryInstance, 'name'> {
  readonly removed: boolean
  readonly standing: CopyStanding
  readonly failure: string | null
}

export interface Orphans {
  readonly instances: readonly TemporaryInstance[]
  readonly removals: readonly OrphanRemoval[]
  /** Places that could not be asked, and why; absent: all could. */
  readonly unreached?: readonly {
    readonly cloud: Cloud
    readonly account: string
    readonly region: string
    readonly why: string
  }[]
}

/** `since`: from when on each run found it so. */
export interface SweptInstance extends TemporaryInstance {
  readonly since: IsoInstant
}

/** What the newest run by the clock came to, of one place. */
export interface Sweep {
  readonly version: 1
  readonly place: PlaceId
  /** Of the workflow. */
  readonly run: string
  readonly at: IsoInstant
  readonly finishedAt: IsoInstant
  /** Why it could not list what is there; null: it did. */
  readonly failure: FailureRecord | null
  /** When a run listed last what follows; null: none did. */
  readonly listedAt: IsoInstant | null
  /** Those that are there as far as that run knows: what it removed is none. */
  readonly instances: readonly SweptInstance[]
  readonly removals: readonly OrphanRemoval[]
}
