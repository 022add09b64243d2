/** The record that every operation leaves: what the ledger holds, what `ops show --json` prints and what evidence repeats. */

import type { Cloud } from './fleet'
import type { IsoInstant } from './instant'

/** `^[a-z][a-z0-9-]{2,31}$`: legal under every cloud's naming rules, so it can be part of a resource's name. */
export type OperationId = string
export const OPERATION_ID_PATTERN = /^[a-z][a-z0-9-]{2,31}$/

const OPERATION_ID_LENGTH_MAX = 32
const SUBJECT_LENGTH_MAX = 12

/** `migrate-shop-k3x7qa`: the subject is cut to what fits, and what tells two of them apart stands whole. Never two hyphens in a row, which RDS
 *  does not take. */
export function operationIdOf(kind: OperationKind, subject: string, distinct: string): OperationId {
  const room = OPERATION_ID_LENGTH_MAX - kind.length - distinct.length - 2
  const shown = subject.replace(/-{2,}/g, '-').slice(0, Math.min(SUBJECT_LENGTH_MAX, room)).replace(/-+$/, '')
  return `${kind}-${shown}-${distinct}`
}

export type { IsoInstant }
/** Lower-case hexadecimal SHA-256 of a document's canonical JSON. */
export type Sha256 = string

/** The name of what an operation makes for a while; deterministic, so that a repeat finds it. At most 63 bytes by the id's limit. */
export function temporaryName(operation: OperationId, step: string): string {
  return `${TEMPORARY}${operation}-${step}`
}

/** Whether it is named as what operations make for a while, whoever made it. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(TEMPORARY)
}

const TEMPORARY = 'cap-'

export type OperationKind =
  | 'migrate'
  | 'snapshot'
  | 'restore'
  | 'verify-backup'
  | 'recover-rows'
  | 'find-moment'
  | 'replace'
  | 'overwrite'
  | 'replicate'
  | 'switchover'
  | 'failover'
  | 'exchange'
  | 'upgrade'
  | 'salvage'
export type OperationStatus =
  | 'planned'
  | 'awaiting-approval'
  | 'running'
  | 'needs-operator'
  | 'succeeded'
  | 'failed'
  | 'rejected'
  | 'aborted'
export const FINAL_STATUSES: readonly OperationStatus[] = ['planned', 'succeeded', 'failed', 'rejected', 'aborted']
export type Verdict = 'pass' | 'fail' | 'inconclusive'

/** Ids are part of idempotency keys: never renamed, never translated. Titles may be reworded. */
export interface StepName {
  readonly id: string
  readonly title: string
}

/** The steps that the kit gives every operation. */
export const OPERATION_STEPS = {
  lock: { id: 'lock', title: 'Lock the instance' },
  /** Of an operation on two instances: the other one's. */
  lockOther: { id: 'lock-other', title: 'Lock the other instance' },
  evidence: { id: 'evidence', title: 'Write the evidence' },
  unlock: { id: 'unlock', title: 'Release the lock' },
} as const satisfies Record<string, StepName>

export type StepState = 'running' | 'done' | 'failed' | 'cancelled' | 'undoing' | 'undone' | 'undo-failed' | 'undo-skipped'

/** What a step has to say: plain values for people and scripts, never row contents or secrets. `summary` is one line. */
export interface StepDetail {
  readonly summary?: string
  readonly findings?: readonly Finding[]
  readonly [field: string]: unknown
}

export interface StepRecord extends StepName {
  readonly state: StepState
  /** Highest attempt of any of the step's activities; 1 when nothing was retried. */
  readonly attempts: number
  readonly startedAt: IsoInstant
  readonly finishedAt: IsoInstant | null
  readonly detail: StepDetail
}

/** A check that said no. Returned and recorded, never thrown. */
export interface Finding {
  /** Stable identifier of the rule or check, such as `rewrite`, `lock-held`, `invariant:orders-have-customers`. */
  readonly rule: string
  /** One sentence: what was measured and what is allowed. */
  readonly message: string
  readonly script?: string
  readonly line?: number
  /** The statement, shortened and with its literals left out. */
  readonly sql?: string
  readonly measured?: number
  readonly allowed?: number
}

/** Why an operation did not end well. `code` is of the closed table in failures.ts. */
export interface FailureRecord {
  readonly code: string
  readonly message: string
}

export interface OperationDocument {
  readonly version: 1
  readonly id: OperationId
  readonly kind: OperationKind
  readonly databases: readonly string[]
  readonly status: OperationStatus
  readonly verdict: Verdict | null
  readonly requestedBy: string
  readonly startedAt: IsoInstant
  readonly finishedAt: IsoInstant | null
  readonly steps: readonly StepRecord[]
  /** Digest of the evidence document, once it is written. */
  readonly evidence: Sha256 | null
  readonly failure: FailureRecord | null
  /** Digest that an approval has to name, once there is a plan. */
  readonly planDigest: Sha256 | null
}

/** What every operation's workflow is told; each kind adds its own. */
export interface OperationInput {
  readonly version: 1
  readonly operation: OperationId
  readonly database: string
  readonly cloud: Cloud
  readonly environment: string
  /** Digest of the bundle in the ledger: the database's resolved fleet entry, and the migrations of whoever needs them. */
  readonly bundle: Sha256
  readonly lockScope: string
  readonly requestedBy: string
  /** `plan`: show what would happen and change nothing. */
  readonly mode: 'plan' | 'apply'
  /** How long an activity may stay silent before it is given to another worker, in milliseconds. */
  readonly heartbeatTimeoutMs: number
  /** How long it waits for another operation that holds the instance's lock; absent: not at all. */
  readonly waitForLockMs?: number
}

/** What an operation's workflow returns. A finding ends an operation `failed` with verdict `fail`, and is no exception. */
export interface OperationResult {
  readonly status: OperationStatus
  readonly verdict: Verdict | null
  readonly findings: readonly Finding[]
}

/** What the operation has done that cannot be taken back; null: nothing yet. */
export function pointOfNoReturn({ steps }: Pick<OperationDocument, 'steps'>): string | null {
  const passed = steps.find(({ state, detail }) => typeof detail.pointOfNoReturn === 'string' && state !== 'cancelled')
  return passed === undefined ? null : String(passed.detail.pointOfNoReturn)
}
