/** Inputs and results of the operations on a standby in another cloud: `capstan replicate`. docs/decisions/0027. */
import { type Cloud, type DatabaseEntry, lockScope } from './fleet'
import type { InstanceAddress } from './migrate'
import { type Finding, OPERATION_STEPS, type OperationInput, type Sha256, type StepName } from './operation'
import type { PreflightReport } from './preflight'
import type { RebuildRequest } from './rebuild'
import type { DeclaredStandby, StandbyId, StandbyNames } from './standby'
import type { OperationStarter } from './start'

export const REPLICATE_WORKFLOW = 'replicate'
/** The entity that looks at one standby for as long as there is one; its id is `standby/<source>/<target>`. */
export const STANDBY_WORKFLOW = 'standby'

/** The runbook's steps in order; docs/runbooks/replicate.md has the same headings. */
export const REPLICATE_STEPS = {
  lock: OPERATION_STEPS.lock,
  lockStandby: OPERATION_STEPS.lockOther,
  plan: { id: 'plan', title: 'Look whether it can be done' },
  approve: { id: 'approve', title: 'Wait for an approval' },
  grow: { id: 'grow', title: 'Grow the standby' },
  schema: { id: 'schema', title: 'Build the schema by the migrations' },
  publish: { id: 'publish', title: 'Publish the tables' },
  subscribe: { id: 'subscribe', title: 'Subscribe the standby' },
  copy: { id: 'copy', title: 'Copy the rows' },
  indexes: { id: 'indexes', title: 'Build the indexes' },
  compare: { id: 'compare', title: 'Compare both' },
  watch: { id: 'watch', title: 'Watch it from here on' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** The steps by which something is done with a standby that there is, in order; of `reseed` the others are those of setting one up. */
export const STANDBY_STEPS = {
  lock: OPERATION_STEPS.lock,
  lockStandby: OPERATION_STEPS.lockOther,
  look: { id: 'look', title: 'Look at both sides' },
  pause: { id: 'pause', title: 'Pause the standby' },
  resume: { id: 'resume', title: 'Let the standby follow again' },
  stop: { id: 'stop', title: 'Stop following' },
  remove: { id: 'remove', title: 'Remove what the standby follows by' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** What may be asked of a standby that there is. */
export const STANDBY_ACTIONS = ['pause', 'resume', 'reseed', 'remove'] as const
export type StandbyAction = (typeof STANDBY_ACTIONS)[number]

/** Names of the operation's documents in the ledger. */
export const REPLICATE_DOCUMENTS = {
  plan: 'replication-plan',
  /** What is made on both sides, by name, written down before anything is. */
  made: 'replication-made',
  comparison: 'replication-comparison',
} as const

/** In the bundle of whatever is about a standby, beside the source's entry. */
export interface StandbyRequest {
  /** The standby's own entry. */
  readonly standby: DatabaseEntry
  readonly declared: DeclaredStandby
}

/** With the source's migrations. */
export interface ReplicateRequest extends StandbyRequest {
  readonly action: 'set-up' | StandbyAction
  /** Of `reseed`: one table as `schema.table`; null: all. */
  readonly table: string | null
  /** Of `set-up`: the standby is an old writer, which is emptied. Absent: it has to be empty. */
  readonly rebuild?: RebuildRequest
}

export interface ReplicateInput extends OperationInput {
  readonly action: ReplicateRequest['action']
  readonly standby: string
  readonly standbyCloud: Cloud
  readonly standbyLockScope: string
  readonly approval: 'none' | 'required'
  /** Of `set-up`: the standby is an old writer. */
  readonly rebuild?: true
}

export function replicateStarter(
  source: DatabaseEntry,
  { action, standby, rebuild }: ReplicateRequest,
  mode: ReplicateInput['mode'],
): OperationStarter<ReplicateInput> {
  const asked = {
    ...{ action, standby: standby.name, standbyCloud: standby.cloud },
    ...{ standbyLockScope: lockScope(standby), approval: approvalOf(action, source, standby) },
    ...(rebuild !== undefined && { rebuild: true as const }),
  }
  const what = rebuild === undefined ? `${action} of its standby` : 'its old writer is rebuilt as its standby,'
  return {
    kind: 'replicate',
    workflow: REPLICATE_WORKFLOW,
    summary: `${mode} ${source.name} (${source.cloud}, ${source.environment}): ${what} ${standby.name} (${standby.cloud})`,
    others: [standby.name],
    inputOf: (common) => ({ ...common, ...asked }),
  }
}

/** As either policy asks. Whoever pauses or resumes is in a hurry, and takes nothing from anybody: what a slot holds back meanwhile is limited by `retainedBytesMax`. */
function approvalOf(
  action: ReplicateRequest['action'],
  source: DatabaseEntry,
  standby: DatabaseEntry,
): ReplicateInput['approval'] {
  if (action === 'pause' || action === 'resume') return 'none'
  return [source, standby].some(({ policy }) => policy.approval === 'required') ? 'required' : 'none'
}

/** Where both sides answer, as their clouds say. */
export interface StandbySides {
  readonly source: InstanceAddress
  readonly standby: InstanceAddress
}

/** The fencing epochs under which each side is changed. */
export interface StandbyEpochs {
  readonly source: number
  readonly standby: number
}

/** What the entity of a standby looks at. */
export interface StandbyWatch extends StandbyId {
  readonly version: 1
  /** With both entries. */
  readonly bundle: Sha256
  readonly cloud: Cloud
  readonly standbyCloud: Cloud
  readonly sides: StandbySides
  readonly heartbeatTimeoutMs: number
}

export const STANDBY_SIGNALS = {
  /** Look at these from now on; what is told last holds. */
  watch: 'watch',
} as const

/** The id of the standby's entity. */
export function standbyWorkflowId({ source, target }: StandbyId): string {
  return `standby/${source}/${target}`
}

/** What a cloud says of an instance's disk. */
export interface DiskOfInstance {
  /** Null where it has no size, and grows by itself. */
  readonly sizeGib: number | null
  /** How far its cloud makes it larger when it fills up; 0: without a limit, null: it does not. What was asked before this was known lacks it. */
  readonly growsToGib?: number | null
}

/** Of the standby's disk, which no cloud makes smaller again. */
export interface DiskGrowth {
  readonly fromGib: number
  readonly toGib: number
}

/** The plan as the workflow carries it: the whole one is in the ledger. */
export interface ReplicatePlanSummary {
  readonly digest: Sha256
  readonly epochs: StandbyEpochs
  readonly names: StandbyNames
  /** What has to be mended first. */
  readonly blocks: readonly Finding[]
  readonly warnings: number
  /** What would be published, by `schema.table`. */
  readonly tables: readonly string[]
  readonly bytes: number
  /** Absent: it stays as it is. */
  readonly grow?: DiskGrowth
}

/** What `--plan` shows. Its digest covers everything but itself and what moves while others write: sizes, and the sentences that name measures. */
export interface ReplicatePlan {
  readonly version: 1
  readonly digest: Sha256
  readonly bundle: Sha256
  readonly source: InstanceAddress
  readonly standby: InstanceAddress
  readonly names: StandbyNames
  readonly retainedBytesMax: number
  readonly lagMsMax: number
  /** Scripts that build the schema on the standby, in order. */
  readonly migrations: readonly string[]
  /** Absent: the standby's disk stays as it is. */
  readonly grow?: DiskGrowth
  readonly preflight: PreflightReport
}
