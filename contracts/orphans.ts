/** Temporary instances that an account of the fleet holds, and whether anybody still cares for each. */
import type { Cloud } from './fleet'
import type { IsoInstant, OperationId, Sha256 } from './operation'

export const ORPHANS_WORKFLOW = 'orphans'

/** Why it stays; only an `orphan` may be removed. `not-ours`: its name and its tags do not say, alike, who made it. `unknown-operation`: this ledger has
 *  no record that the operation made it; another control plane's may. */
export const COPY_STANDINGS = [
  'orphan',
  'at-work',
  'kept',
  'took-over',
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
  /** Regions that could not be asked, and why; absent: all could. */
  readonly unreached?: readonly {
    readonly cloud: Cloud
    readonly account: string
    readonly region: string
    readonly why: string
  }[]
}
