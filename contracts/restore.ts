/** Inputs and results of the restore operation, and of the workflow that removes its copy when its time is over. */
import type { Cloud } from './fleet'
import type { InstanceAddress } from './migrate'
import { type IsoInstant, OPERATION_STEPS, type OperationId, type OperationInput, type Sha256, type StepName } from './operation'
import type { RestorePoint } from './restore-point'
import type { SnapshotStorage } from './snapshot'

export const RESTORE_WORKFLOW = 'restore'
export const RETIRE_COPY_WORKFLOW = 'retireCopy'

/** The runbook's steps in order; docs/runbooks/restore.md has the same headings. */
export const RESTORE_STEPS = {
  lock: OPERATION_STEPS.lock,
  plan: { id: 'plan', title: 'Plan against the instance' },
  copy: { id: 'copy', title: 'Restore an inert copy' },
  check: { id: 'check', title: 'Check the copy' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger. */
export const RESTORE_DOCUMENTS = { plan: 'restore-plan', checks: 'checks-copy', rows: 'rows-since' } as const

/** What was asked for. */
export interface RestoreRequest {
  readonly point: RestorePoint
  /** How long the copy is kept, counted from the operation's end. */
  readonly keepHours: number
  /** A person's word that nothing acted by itself in the instance at that moment; asked for where a copy runs before it is inert. */
  readonly wasDormant: boolean
}

export interface RestoreInput extends OperationInput, RestoreRequest {}

/** What the copy will hold, as the cloud answers for it. */
export type PlannedPoint =
  | {
      readonly kind: 'snapshot'
      readonly snapshot: string
      readonly createdAt: IsoInstant | null
      readonly deleted?: true
      /** Where it is and is restored, if that is not the instance's region. */
      readonly region?: string
    }
  | { readonly kind: 'moment'; readonly at: IsoInstant; readonly earliest: IsoInstant; readonly latest: IsoInstant }

/** What `--plan` shows. Its digest covers everything but `digest` itself. */
export interface RestorePlan {
  readonly version: 1
  readonly digest: Sha256
  readonly bundle: Sha256
  readonly instance: string
  readonly instanceId: string
  readonly engineVersion: string
  readonly storage: SnapshotStorage
  readonly point: PlannedPoint
  /** The name that the copy will have. */
  readonly copy: string
  readonly keepHours: number
  /** Who may connect to it: security groups, or IPv4 networks. */
  readonly networkRules: readonly string[]
  /** In another region. Absent: the instance's own, or the account's default. */
  readonly subnetGroup?: string
  /** Null: the instance's own. */
  readonly instanceClass: string | null
  /** `after-start`: it runs for minutes with its source's settings. */
  readonly inertCopy: 'before-first-start' | 'after-start'
  readonly wasDormant: boolean
}

/** The plan as the workflow carries it: the whole one is in the ledger. */
export interface RestorePlanSummary {
  readonly digest: Sha256
  readonly point: PlannedPoint
  /** Null for an instance that is down: it can be asked nothing. */
  readonly source: InstanceAddress | null
  /** Its copy runs for a while with its settings. */
  readonly afterStart: boolean
}

/** Rows of the tables whose rows are counted; null: the table was not there, or could not be counted. */
export interface RowsSince {
  readonly version: 1
  /** When the instance's were counted; those of the copy are of its own moment. */
  readonly asOf: IsoInstant
  readonly rows: readonly { readonly table: string; readonly copy: number | null; readonly instance: number | null }[]
  /** Why the instance could not be asked; null: it could. */
  readonly why: string | null
}

export interface RetireCopyInput {
  /** The operation that made the copy. */
  readonly operation: OperationId
  readonly cloud: Cloud
  readonly bundle: Sha256
  readonly copy: string
  readonly keepHours: number
  readonly heartbeatTimeoutMs: number
  /** Where an earlier run of it left off, which was refused for a month; none of the first one. */
  readonly carriedOn?: { readonly until: IsoInstant | null; readonly removing: boolean }
}

/** What a copy's retirement may be told. */
export const COPY_UPDATES = { keep: 'keep' } as const

/** Until when the copy is kept; an instant that is over removes it now. */
export interface KeepCopyInput {
  readonly by: string
  readonly until: IsoInstant
}

/** Of the workflow that removes the copy. */
export function retirementOf(copy: string): string {
  return `retire/${copy}`
}
