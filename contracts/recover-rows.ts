/** Inputs and results of the operation that brings rows back out of a copy of the instance. */
import type { DatabaseEntry } from './fleet'
import { OPERATION_STEPS, type OperationInput, type Sha256, type StepName } from './operation'
import type { RestorePoint } from './restore-point'

export const RECOVER_ROWS_WORKFLOW = 'recoverRows'

/** The runbook's steps in order; docs/runbooks/recover-rows.md has the same headings. */
export const RECOVER_ROWS_STEPS = {
  lock: OPERATION_STEPS.lock,
  plan: { id: 'plan', title: 'Plan against the database' },
  copy: { id: 'copy', title: 'Restore an inert copy' },
  survey: { id: 'survey', title: 'Survey what is missing' },
  approve: { id: 'approve', title: 'Wait for an approval' },
  stage: { id: 'stage', title: 'Stage the rows' },
  write: { id: 'write', title: 'Bring the rows back' },
  verify: { id: 'verify', title: 'Verify the rows' },
  removeCopy: { id: 'remove-copy', title: 'Remove the copy' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger; the plan of the copy is a restore's. */
export const RECOVER_ROWS_DOCUMENTS = {
  tables: 'rows-tables',
  survey: 'rows-survey',
  now: 'rows-now',
  result: 'rows-result',
  left: 'rows-left',
} as const

/** What somebody asks for. */
export interface RowsRequest {
  readonly point: RestorePoint
  /** `schema.table`, as they were given. */
  readonly tables: readonly string[]
  /** All tables of these. */
  readonly schemas: readonly string[]
  /** SQL over a row of the copy, with one table. Null: all that is missing. */
  readonly where: string | null
  readonly fireTriggers: boolean
  readonly published: boolean
  /** A person's word that nothing acted by itself in the instance at that moment. */
  readonly wasDormant: boolean
}

export interface RecoverRowsInput extends OperationInput, RowsRequest {
  /** Rows are written into production by nobody alone. */
  readonly approval: 'none' | 'required'
}

/** Whether somebody else has to approve what is written. */
export function approvalOf({ environment, policy }: Pick<DatabaseEntry, 'environment' | 'policy'>): 'none' | 'required' {
  return environment === 'production' ? 'required' : policy.approval
}

/** The survey as the workflow carries it: the whole one is in the ledger. */
export interface SurveySummary {
  readonly digest: Sha256
  /** The fencing epoch to write under. */
  readonly epoch: number
  readonly tableCount: number
  readonly rows: number
  /** In both and not the same: left as they are. */
  readonly changed: number
  /** An earlier run's, which was cut off or given up after it had staged these rows. */
  readonly underWay: boolean
  /** The same was asked and carried out before. */
  readonly repeats: boolean
}

/** What came of it, as the workflow carries it. */
export interface RecoveredSummary {
  readonly brought: number
  readonly altered: number
  readonly reappeared: number
  readonly refused: number
  readonly orphan: number
  /** Of those that were brought back as they were: how they stand at the end. */
  readonly same: number
  readonly changedSince: number
  readonly goneSince: number
}

/** One line of what a run left that did not end well, and the counts behind it. */
export interface LeftSummary {
  readonly summary: string
  readonly state: 'nothing' | 'staged' | 'done'
}
