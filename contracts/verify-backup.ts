/** Inputs and results of the verify-backup operation: a backup counts once a copy was restored from it and its content was proven. */
import type { CopyRate, NoRate } from './copy-cost'
import type { DatabaseEntry } from './fleet'
import type { Micros } from './money'
import {
  type Finding,
  type IsoInstant,
  OPERATION_STEPS,
  type OperationId,
  type OperationInput,
  type Sha256,
  type StepName,
  type Verdict,
} from './operation'
import type { StorageSize } from './snapshot'
import type { OperationStarter } from './start'

export const VERIFY_BACKUP_WORKFLOW = 'verifyBackup'

/** The runbook's steps in order; docs/runbooks/verify-backup.md has the same headings. */
export const VERIFY_BACKUP_STEPS = {
  lock: OPERATION_STEPS.lock,
  plan: { id: 'plan', title: 'Choose what to restore' },
  beat: { id: 'beat', title: 'Mark the moment with heartbeats' },
  exists: { id: 'exists', title: 'Look at the backup' },
  copy: { id: 'copy', title: 'Restore an inert copy' },
  answers: { id: 'answers', title: 'Ask the copy who it is' },
  reached: { id: 'reached', title: 'Hold the copy against the moment' },
  intact: { id: 'intact', title: 'Check the copy’s blocks and indexes' },
  content: { id: 'content', title: 'Compare the content with its manifest' },
  use: { id: 'use', title: 'Use the copy as the application does' },
  control: { id: 'control', title: 'Damage the copy and see that it is noticed' },
  judge: { id: 'judge', title: 'Judge the backup' },
  removeCopy: { id: 'remove-copy', title: 'Remove the copy' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** The proof ladder, bottom up: L0 to L5. Each is the step of the same id. */
export const RUNGS = ['exists', 'answers', 'reached', 'intact', 'content', 'use'] as const
export type RungId = (typeof RUNGS)[number]

/** `L0` to `L5`. */
export function rungLevel(id: RungId): string {
  return `L${RUNGS.indexOf(id)}`
}

/** Names of the operation's documents in the ledger. */
export const VERIFY_BACKUP_DOCUMENTS = {
  plan: 'verification-plan',
  verification: 'verification',
  checks: 'checks-copy',
  beats: 'beats',
  cost: 'verification-cost',
} as const

/** Verifications of one instance exclude each other and nothing else: each restores a whole copy, and two would cost twice and prove the same.
 *  They change nothing of the instance, so that they must not keep a migration from it for the hours that a restore may take. */
export function verificationLock(lockScope: string): string {
  return `${lockScope}/verify`
}

/** What somebody asks to be verified. `now`: a moment of the operation's own, between two heartbeats. `by-turns`: of the newest snapshot and a moment
 *  the one whose turn it is, which is what runs by the clock ask for. */
export type WantedPoint =
  | { readonly kind: 'newest' }
  /** `region`: of a copy in another region than the instance's, which is restored there. */
  | { readonly kind: 'snapshot'; readonly snapshot: string; readonly region?: string }
  | { readonly kind: 'moment'; readonly at: IsoInstant }
  | { readonly kind: 'random' }
  | { readonly kind: 'now' }
  | { readonly kind: 'by-turns' }

export interface VerifyBackupInput extends OperationInput {
  readonly wanted: WantedPoint
  /** After it the copy is removed and the operation fails, whatever is still to do: a copy costs money as long as it is there. */
  readonly withinMs: number
  /** A person's word that nothing acted by itself in the instance at that point; asked for where a copy runs before it is inert. */
  readonly wasDormant: boolean
}

const HOUR_MS = 3_600_000
/** Of a fleet entry that says nothing. */
const HOURS_MAX = 6

/** What a verification may take that is not given another time. */
export function verificationLimitMs({ verification }: Pick<DatabaseEntry, 'verification'>): number {
  return (verification?.hoursMax ?? HOURS_MAX) * HOUR_MS
}

/** `withinMs` null: the fleet entry's. */
export interface AskedVerification {
  readonly wanted: WantedPoint
  readonly withinMs: number | null
  readonly wasDormant: boolean
}

export function verifyBackupStarter(
  entry: DatabaseEntry,
  mode: VerifyBackupInput['mode'],
  asked: AskedVerification = BY_THE_CLOCK,
): OperationStarter<VerifyBackupInput> {
  const { name, cloud, environment, verification } = entry
  const { wanted } = asked
  const wasDormant = asked.wasDormant || verification?.neverActs === true
  const withinMs = asked.withinMs ?? verificationLimitMs(entry)
  return {
    kind: 'verify-backup',
    workflow: VERIFY_BACKUP_WORKFLOW,
    summary: `${mode} ${name} (${cloud}, ${environment}): ${wanted.kind}`,
    inputOf: (common) => ({ ...common, wanted, withinMs, wasDormant }),
  }
}

/** Nobody is there to vouch for a point that is over: where only a person could, and the fleet file does not, it is a moment of its own. */
const BY_THE_CLOCK: AskedVerification = { wanted: { kind: 'by-turns' }, withinMs: null, wasDormant: false }

/** What is to be restored, as far as it is known before anything is done. */
export type PlannedPoint =
  | { readonly kind: 'snapshot'; readonly snapshot: string; readonly createdAt: IsoInstant | null; readonly region?: string }
  | { readonly kind: 'moment'; readonly at: IsoInstant }
  | { readonly kind: 'now' }

/** Of a copy in another region than the instance's. What is found of it says nothing of what is at home, whose backups the report is about. */
export function isElsewhere({ region }: PointKind): boolean {
  return region !== undefined
}

/** What tells how alike two of them are. */
export interface PointKind {
  readonly kind: PlannedPoint['kind']
  readonly region?: string
}

/** What a verification found out is of: regions share no names, and a name has no slash. */
export function verifiedName({ snapshot, region }: { readonly snapshot: string; readonly region?: string }): string {
  return region === undefined ? snapshot : `${region}/${snapshot}`
}

export interface PlannedRung {
  readonly id: RungId
  /** The verdict is `pass` only if every promised rung passed, and with it one of L2, L4 and L5. */
  readonly promised: boolean
  /** Why it is promised, or why not. */
  readonly why: string
}

/** What the backups of a database have to keep. Null: nothing is declared. */
export interface StatedObjectives {
  readonly rpoMs: number | null
  readonly rtoMs: number | null
}

/** What a verification costs by the prices of the fleet file, if its copy is there for as long as it may be. */
export interface PlannedCost {
  readonly rate: CopyRate
  readonly atMostMicros: Micros
  /** If it takes as long as the last one of its kind of point; null: there was none. */
  readonly aboutMicros: Micros | null
  /** What it may cost; null: nothing is declared. */
  readonly capMicros: Micros | null
  /** The time that it would have had without the cap; null: it has all of it. */
  readonly shortenedFromMs: number | null
}

/** What a verification is reckoned to have cost: the time for which its copy was there, by the prices of its fleet entry. No bill says so. */
export interface ReckonedCost {
  readonly version: 1
  readonly micros: Micros
  readonly currency: string
  readonly rate: CopyRate
  /** As its plan said. */
  readonly atMostMicros: Micros
  readonly capMicros: Micros | null
  /** When it was reckoned. */
  readonly at: IsoInstant
  /** The copy was there still, and costs on. */
  readonly goesOn: boolean
}

/** What `--plan` shows. Its digest covers everything but `digest` itself. */
export interface VerificationPlan {
  readonly version: 1
  readonly digest: Sha256
  readonly bundle: Sha256
  readonly instance: string
  readonly instanceId: string
  readonly engineVersion: string
  readonly point: PlannedPoint
  /** Why it was this point's turn; null: it was asked for. */
  readonly turn: string | null
  /** Moments that could be restored when it was planned; null: none. */
  readonly window: { readonly earliest: IsoInstant; readonly latest: IsoInstant } | null
  /** Of the copy, which costs as long as it is there. */
  readonly copy: { readonly name: string; readonly instanceClass: string; readonly sizeGib: StorageSize }
  /** `after-start`: it runs with its source's settings for a while, so that a source in which something acts by itself is refused. */
  readonly inertCopy: 'before-first-start' | 'after-start'
  /** The `snapshot` of this very database that took it, which reads manifests around it; null: it was taken otherwise. */
  readonly takenBy: OperationId | null
  /** Of a moment that is over: the `snapshot` whose first manifest is from before it; null: there is none. */
  readonly since: OperationId | null
  readonly rungs: readonly PlannedRung[]
  readonly objectives: StatedObjectives
  /** As it was asked for, or as much of it as the cap pays for. */
  readonly withinMs: number
  /** Absent: no prices are declared. */
  readonly cost?: PlannedCost | NoRate
  /** As long as the last one of its kind of point took; null: there was none. */
  readonly expectedMs: number | null
}

/** The plan as the workflow carries it: the whole one is in the ledger. */
export interface VerificationPlanSummary
  extends Pick<
    VerificationPlan,
    | 'digest'
    | 'instance'
    | 'instanceId'
    | 'engineVersion'
    | 'point'
    | 'turn'
    | 'inertCopy'
    | 'takenBy'
    | 'since'
    | 'objectives'
    | 'rungs'
  > {
  /** Absent: all that was asked for. */
  readonly withinMs?: number
}

/** The operations that hold the manifest from before the point, and the one from after it, which is of the same rows. `at`: the moment that lies in
 *  between; null: the point is a snapshot, which was taken between the two. */
export interface AroundPoint {
  readonly before: OperationId
  readonly after: OperationId
  readonly at: IsoInstant | null
}

/** What one rung of the ladder found. `not-proven`: it says nothing, neither for the backup nor against it. */
export interface Rung {
  readonly id: RungId
  readonly outcome: 'pass' | 'fail' | 'not-proven'
  readonly findings: readonly Finding[]
  /** One line for people. */
  readonly summary: string
  readonly durationMs: number
}

/** What became of damage that the verification did to its own copy, and that the rung had to notice. `missed`: it did not, so that what it said
 *  before is worth nothing. `not-made`: no damage could be done, or the time was up. `failed`: it broke, so that nobody knows whether the rung notices
 *  anything. */
export interface NegativeControl {
  readonly rung: Extract<RungId, 'reached' | 'content'>
  readonly outcome: 'noticed' | 'missed' | 'not-made' | 'failed'
  /** One line for people: which damage, and what was said to it. */
  readonly summary: string
}

/** How long a recovery took here. No cloud tells the replay of its log apart: it is part of provisioning. */
export interface MeasuredRto {
  /** From the start of the restore until the copy answered. */
  readonly provisionMs: number
  /** From then until the last rung. */
  readonly verifyMs: number
  readonly totalMs: number
}

/** What a verification came to, as the ledger keeps it. */
export interface Verification {
  readonly version: 1
  readonly operation: OperationId
  readonly database: string
  readonly instance: string
  readonly instanceId: string
  readonly point: PlannedPoint
  readonly ladder: readonly (Rung & Pick<PlannedRung, 'promised'>)[]
  /** Absent: no rung passed that damage could be shown to. */
  readonly controls?: readonly NegativeControl[]
  /** How much of what was written last a recovery would have lost; null: the cloud did not say. */
  readonly rpoMs: number | null
  /** Null: nothing was restored. */
  readonly rto: MeasuredRto | null
  readonly objectives: StatedObjectives
  /** Every promised rung passed, and one that tells of the content (L2, L4, L5), whatever became of the objectives. */
  readonly proven: boolean
  readonly verdict: Verdict
  readonly judgedAt: IsoInstant
}
