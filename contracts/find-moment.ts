/** Inputs and results of the operation that finds the last moment at which something still held. */
import type { Look, SoughtAnswer } from './last-good'
import type { InstanceAddress } from './migrate'
import { type IsoInstant, OPERATION_STEPS, type OperationId, type OperationInput, type Sha256, type StepName } from './operation'

export const FIND_MOMENT_WORKFLOW = 'findMoment'

/** The runbook's steps in order; docs/runbooks/find-moment.md has the same headings. */
export const FIND_MOMENT_STEPS = {
  lock: OPERATION_STEPS.lock,
  plan: { id: 'plan', title: 'Plan the search' },
  look: { id: 'look', title: 'Look at one moment after another' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger. */
export const FIND_MOMENT_DOCUMENTS = { plan: 'search-plan', result: 'search-result' } as const

/** Beside the lock of changes: a search changes nothing of the instance, and may take hours. */
export function searchLock(lockScope: string): string {
  return `${lockScope}/search`
}

/** The copy of one look; its resource is named after it, in one word, as Google Cloud has it. */
export const lookStep = (nth: number): string => `look${nth}`

/** What somebody asks for. */
export interface MomentRequest {
  /** One SELECT that answers one boolean. */
  readonly holds: string
  readonly from: IsoInstant
  readonly to: IsoInstant
  readonly precisionMs: number
  /** A person's word that nothing acted by itself in the instance at any of these moments. */
  readonly wasDormant: boolean
}

export interface FindMomentInput extends OperationInput, MomentRequest {}

/** What `--plan` shows. Its digest covers everything but `digest` itself. */
export interface SearchPlan {
  readonly version: 1
  readonly digest: Sha256
  readonly bundle: Sha256
  readonly instance: string
  readonly instanceId: string
  readonly engineVersion: string
  /** What can be restored. */
  readonly window: { readonly earliest: IsoInstant; readonly latest: IsoInstant }
  readonly request: MomentRequest
  /** One after another; each is removed before the next. */
  readonly restoresMax: number
  readonly copy: { readonly instanceClass: string; readonly sizeGib: number | null }
  /** What the last restore of this database's to a moment took that was measured; null: none was. */
  readonly expectedMsEach: number | null
  /** `after-start`: each copy runs for minutes with its source's settings. */
  readonly inertCopy: 'before-first-start' | 'after-start'
}

export interface SearchPlanSummary {
  readonly digest: Sha256
  readonly restoresMax: number
  /** Null for an instance that is down. */
  readonly source: InstanceAddress | null
  readonly afterStart: boolean
}

/** As whom the copy was asked: the master where the migrator had another password at that moment. */
export interface AnsweredLook extends Look {
  readonly role: string
}

/** `other-role`: at that moment another role answered than at those before it, and two roles need not see the same. */
export type SearchAnswer =
  | Exclude<SoughtAnswer, { kind: 'look' }>
  | { readonly kind: 'other-role'; readonly at: IsoInstant; readonly role: string; readonly before: string }

/** What was seen, and what comes of it. */
export interface SearchResult {
  readonly version: 1
  readonly operation: OperationId
  readonly looks: readonly AnsweredLook[]
  readonly answer: SearchAnswer
}
