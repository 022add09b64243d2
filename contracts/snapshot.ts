/** Inputs and results of the snapshot operation, and of the list of an instance's snapshots. */
import type { ServedCloud } from './fleet'
import {
  type Finding,
  type IsoInstant,
  OPERATION_STEPS,
  type OperationId,
  type OperationInput,
  type Sha256,
  type StepName,
} from './operation'

export const SNAPSHOT_WORKFLOW = 'snapshot'
export const LIST_SNAPSHOTS_WORKFLOW = 'listSnapshots'

/** The runbook's steps in order; docs/runbooks/snapshot.md has the same headings. */
export const SNAPSHOT_STEPS = {
  lock: OPERATION_STEPS.lock,
  plan: { id: 'plan', title: 'Plan against the instance' },
  take: { id: 'take', title: 'Take the snapshot' },
  verify: { id: 'verify', title: 'Verify the snapshot' },
  expire: { id: 'expire', title: 'Remove what has expired' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger. */
export const SNAPSHOT_DOCUMENTS = { plan: 'snapshot-plan', snapshot: 'snapshot', expiry: 'expiry' } as const

export interface SnapshotInput extends OperationInput {
  readonly retentionHours: number
}

/** What `--plan` shows. Its digest covers everything but `digest` itself. */
export interface SnapshotPlan {
  readonly version: 1
  readonly digest: Sha256
  readonly bundle: Sha256
  readonly instance: string
  readonly instanceId: string
  readonly engineVersion: string
  readonly storage: SnapshotStorage
  /** The name that the snapshot will have. */
  readonly snapshot: string
  readonly retentionHours: number
  /** Snapshots that could be removed by now, once this one is there. Decided anew when it is time. */
  readonly expiring: readonly string[]
}

export interface SnapshotStorage {
  readonly sizeGib: number
  readonly encrypted: boolean
  /** The cloud's id of the key; null: not encrypted, or the cloud does not say. */
  readonly key: string | null
}

/** The plan as the workflow carries it: the whole one is in the ledger. */
export interface SnapshotPlanSummary {
  readonly digest: Sha256
  readonly sizeGib: number
  readonly expiringCount: number
}

export interface SnapshotVerification {
  readonly findings: readonly Finding[]
  readonly createdAt: IsoInstant | null
  /** One line for people. */
  readonly summary: string
}

/** Why a snapshot stays, or that it may go. `expired` is the only one that is ever removed. */
export type SnapshotStanding =
  /** Taken by somebody else, by hand, or by a Capstan with another ledger. */
  | 'not-ours'
  /** Of an instance that had the same name. */
  | 'other-instance'
  | 'being-made'
  | 'being-removed'
  /** The operation that took it has not ended. */
  | 'in-use'
  /** It bears no instant from which it may be removed. */
  | 'no-retention'
  | 'within-retention'
  /** The newest good one of its instance: it outlives its retention until there is a newer one. */
  | 'last-good'
  | 'expired'

export interface ListedSnapshot {
  readonly name: string
  /** The cloud's own word. */
  readonly state: string
  readonly createdAt: IsoInstant | null
  readonly expiresAt: IsoInstant | null
  /** The operation that took it; null: not ours. */
  readonly operation: OperationId | null
  readonly step: string | null
  readonly sizeGib: number
  readonly standing: SnapshotStanding
}

export interface SnapshotList {
  readonly version: 1
  readonly database: string
  readonly instance: string
  readonly instanceId: string
  /** Newest first. */
  readonly snapshots: readonly ListedSnapshot[]
}

export interface ListSnapshotsInput {
  readonly bundle: Sha256
  readonly cloud: ServedCloud
  readonly heartbeatTimeoutMs: number
}

/** What an expiry did so far: it is written down after each removal. */
export interface ExpiryRecord {
  readonly version: 1
  /** What the first look found expired. */
  readonly due: readonly string[]
  readonly removed: readonly string[]
  /** Found expired and left after all. */
  readonly kept: readonly { readonly name: string; readonly why: string }[]
}
