/** Inputs and results of the migrate operation. */
import type { Cloud, MigrationPolicy } from './fleet'
import {
  type Finding,
  type IsoInstant,
  OPERATION_STEPS,
  type OperationId,
  type OperationInput,
  type Sha256,
  type StepName,
} from './operation'

export const MIGRATE_WORKFLOW = 'migrate'

/** The runbook's steps in order; docs/runbooks/migrate.md has the same headings. */
export const MIGRATE_STEPS = {
  lock: OPERATION_STEPS.lock,
  plan: { id: 'plan', title: 'Plan against the target' },
  approve: { id: 'approve', title: 'Wait for an approval' },
  snapshot: { id: 'snapshot', title: 'Snapshot the target' },
  canary: { id: 'canary', title: 'Restore an inert canary' },
  rehearse: { id: 'rehearse', title: 'Rehearse on the canary' },
  checkCanary: { id: 'check-canary', title: 'Check the canary' },
  judge: { id: 'judge', title: 'Judge against the policy' },
  apply: { id: 'apply', title: 'Apply to the target' },
  carryOver: { id: 'carry-over', title: 'Carry over to the standbys' },
  verify: { id: 'verify', title: 'Verify the target' },
  bake: { id: 'bake', title: 'Watch it bake' },
  removeCanary: { id: 'remove-canary', title: 'Remove the canary' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

export interface MigrateInput extends OperationInput {
  readonly policy: MigrationPolicy
  /** Those that the fleet file declares, whether there are such or not. Absent: none. */
  readonly standbys?: readonly DeclaredFollower[]
}

/** A database that may follow the one that is migrated. */
export interface DeclaredFollower {
  /** Its name in the fleet file. */
  readonly standby: string
  readonly cloud: Cloud
  readonly lockScope: string
}

/** Where a declared follower answers, as its cloud says. */
export interface FollowerAddress {
  readonly standby: string
  /** Null: its cloud does not tell of it. */
  readonly address: InstanceAddress | null
}

/** What is done with a standby: what the source gets is carried over; nothing, and it waits at its line; or nothing, since it is seeded anew before it follows
 *  again. */
export type StandbyDeed = 'carry-over' | 'wait' | 'seed-anew'

/** One standby in the plan. Null: it was not asked. */
export interface PlannedStandby {
  readonly standby: string
  readonly does: StandbyDeed
  /** Why it is not carried over, one clause; null: it is. Where nothing is pending, only those are there that lack something, and this says what. */
  readonly why: string | null
  readonly instanceId: string | null
  /** The last line of the source's that it may pass. */
  readonly line: number | null
  readonly fingerprint: Sha256 | null
  /** Of one that is carried over: how long is waited at each file for what came before it. */
  readonly waitsMsMax?: number
}

/** Where an instance answers. From the cloud's description: workers that serve databases need no cloud's credentials. */
export interface InstanceAddress {
  /** The cloud's identifier. */
  readonly instance: string
  /** The cloud's immutable id of the instance: a renamed or replaced instance is another world. */
  readonly instanceId: string
  readonly host: string
  readonly port: number
  readonly engineVersion: string
  /** Of a target whose cloud is not as a plan takes for granted. */
  readonly traits?: CloudTraits
}

/** What a plan has to know of a cloud, and to say, before anything is done. Where nothing is said, a snapshot is restored by its name as a new
 *  instance that is inert before it starts, and is kept until it is removed. */
export interface CloudTraits {
  /** `in-place`: over a new instance. `moment`: not at all; the server's log is restored to the moment at which the snapshot was complete. */
  readonly restoreFromSnapshot: 'new-instance' | 'in-place' | 'moment'
  /** `after-start`: a copy runs for minutes with its source's settings, so that a source in which something acts by itself is refused. */
  readonly inertCopy: 'before-first-start' | 'after-start'
  /** False: as the instance was set up when it was asked, its snapshots go with it, whoever removes it. */
  readonly snapshotsOutliveInstance: boolean
  /** How long the cloud keeps a snapshot of this instance at most; null: until somebody removes it. */
  readonly snapshotHoursMax: number | null
}

export interface PlannedStatement {
  readonly index: number
  readonly line: number
  readonly kind: string
  readonly sql: string
  readonly transactional: boolean
}

export interface PlannedScript {
  readonly script: string
  /** Null for a repeatable migration. */
  readonly version: string | null
  readonly description: string
  readonly checksum: number
  readonly statements: readonly PlannedStatement[]
  /** What a standby gets of it: `schema`, all, at its line; `mixed`, what is no row, at its line; `free`, all, while rows come in; `rows`, nothing, since they come
   *  from the source. Absent: nobody follows. */
  readonly onStandbys?: 'schema' | 'mixed' | 'free' | 'rows'
}

/** What `--plan` shows and an approval binds to. Its digest covers everything but `digest` itself. */
export interface MigrationPlan {
  readonly version: 1
  readonly digest: Sha256
  readonly bundle: Sha256
  readonly instanceId: string
  readonly engineVersion: string
  /** Digest over the history table's rows. */
  readonly history: Sha256
  /** How many rows the history had. */
  readonly historyRows: number
  /** Schema fingerprint before the migration. */
  readonly fingerprint: Sha256
  readonly current: string | null
  readonly target: string | null
  readonly pending: readonly PlannedScript[]
  readonly traits?: CloudTraits
  /** By name. Absent: it has none; where nothing is pending, none that may lack what it has applied. */
  readonly standbys?: readonly PlannedStandby[]
}

/** The plan as the workflow carries it: the whole one is in the ledger. */
export interface PlanSummary {
  readonly digest: Sha256
  /** The operation's fencing epoch: higher than whatever fence stands in the target. */
  readonly epoch: number
  readonly current: string | null
  readonly target: string | null
  readonly pendingCount: number
  readonly statementCount: number
  /** Absent: it has none. */
  readonly standbys?: readonly Pick<PlannedStandby, 'standby' | 'does' | 'why'>[]
  /** The last script of each stretch, in order: one is carried over before the next is applied. Absent: nothing is carried over, and all is one. */
  readonly stretches?: readonly string[]
}

/** The rehearsal as the workflow carries it: every statement's record is in the ledger. */
export interface RehearsalSummary {
  readonly statementCount: number
  readonly fingerprint: Sha256
  readonly durationMs: number
  readonly walBytes: number
}

export interface Judgement {
  readonly findings: readonly Finding[]
  /** Longest time a lock that blocks writes was held on a table that existed before, in milliseconds. */
  readonly longestWriteBlockMs: number
}

export interface CheckSummary {
  readonly findings: readonly Finding[]
  readonly checkCount: number
  /** One line for people: `fingerprint, 4 invariants, 6 row counts`. */
  readonly summary: string
}

export interface ApplySummary {
  readonly applied: readonly string[]
  readonly current: string | null
  readonly healedIndexes: readonly string[]
  readonly finishedAt: IsoInstant
}

/** What an apply that did not end well left on the target. */
export interface ApplySurvey {
  readonly applied: readonly string[]
  readonly current: string | null
  /** Left by an interrupted concurrent build; the next run rebuilds them. */
  readonly invalidIndexes: readonly string[]
}

export const RETIRE_SNAPSHOT_WORKFLOW = 'retireSnapshot'

export interface RetireSnapshotInput {
  /** The operation that took the snapshot. */
  readonly operation: OperationId
  /** Left out by what was started before operations served other clouds: aws. */
  readonly cloud?: Cloud
  readonly bundle: Sha256
  readonly snapshot: string
  /** Of a copy in another region; absent: the database's own. */
  readonly region?: string
  readonly retentionHours: number
  readonly heartbeatTimeoutMs: number
  /** An earlier run of it was refused for a month; left out by the first one. */
  readonly carriedOn?: boolean
}
