/** Inputs and results of the operation that looks what an old writer has alone, which a failover gave up, and brings missing rows over: `capstan salvage`.
 *  docs/decisions/0032. */
import type { FailoverKept } from './failover'
import type { Cloud, DatabaseEntry } from './fleet'
import type { FencedTarget } from './instance-fence'
import type { InstanceAddress } from './migrate'
import { type Finding, OPERATION_STEPS, type OperationId, type OperationInput, type Sha256, type StepName } from './operation'
import { approvalOf, RECOVER_ROWS_STEPS } from './recover-rows'
import type { OperationStarter } from './start'

export const SALVAGE_WORKFLOW = 'salvage'

/** The runbook's steps in order; docs/runbooks/salvage.md has the same headings. */
export const SALVAGE_STEPS = {
  lock: OPERATION_STEPS.lock,
  plan: { id: 'plan', title: 'Find what was given up' },
  letIn: { id: 'let-in', title: 'Start the old writer for the control plane alone' },
  report: { id: 'report', title: 'Compare it with the new writer' },
  survey: RECOVER_ROWS_STEPS.survey,
  approve: RECOVER_ROWS_STEPS.approve,
  stage: RECOVER_ROWS_STEPS.stage,
  write: RECOVER_ROWS_STEPS.write,
  verify: RECOVER_ROWS_STEPS.verify,
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger; those of the merge are of `recover-rows`. */
export const SALVAGE_DOCUMENTS = { report: 'salvage-report' } as const

/** In the bundle, beside the new writer's entry. */
export interface SalvageRequest {
  /** That was given up. */
  readonly old: DatabaseEntry
  /** Whose missing rows are brought over, as `schema.table`; empty: none, it is looked alone. */
  readonly merge: readonly string[]
  readonly fireTriggers: boolean
  readonly published: boolean
}

export interface SalvageInput extends OperationInput {
  readonly old: string
  readonly oldCloud: Cloud
  readonly merge: readonly string[]
  readonly fireTriggers: boolean
  readonly published: boolean
  readonly approval: 'none' | 'required'
}

export function salvageStarter(
  writer: DatabaseEntry,
  { old, merge, fireTriggers, published }: SalvageRequest,
  mode: SalvageInput['mode'],
): OperationStarter<SalvageInput> {
  const asked = { old: old.name, oldCloud: old.cloud, merge, fireTriggers, published, approval: approvalOf(writer) }
  const what = merge.length === 0 ? 'what it has alone' : `rows of ${merge.join(', ')} go over`
  return {
    kind: 'salvage',
    workflow: SALVAGE_WORKFLOW,
    summary: `${mode} ${old.name} (${old.cloud}), given up for ${writer.name} (${writer.cloud}, ${writer.environment}): ${what}`,
    inputOf: (common) => ({ ...common, ...asked }),
  }
}

/** What the ledger knows of it. */
export interface SalvagePlanned {
  readonly target: FencedTarget
  /** In which the old writer's entry is, for whoever acts on its instance. */
  readonly fenceBundle: Sha256
  readonly summary: string
}

/** Of one table. Keys as a comparison shows them: of types that may tell of a person, digests; the first of each, and no other value. */
export interface SalvagedTable {
  readonly table: string
  /** Null: nothing tells its rows apart, and whole rows were compared; or nothing is known of it. */
  readonly key: readonly string[] | null
  /** In the old writer alone: it never came over, or was deleted in the new one since. */
  readonly there: number
  /** In both and not the same: the old writer changed it last and that never came over, or the new one has since. */
  readonly differs: number
  /** In the new writer alone: written since, or deleted in the old one and that never came over. */
  readonly gone: number
  readonly keys: Readonly<Record<'there' | 'differs' | 'gone', readonly (readonly string[])[]>>
  /** Why nothing, or not all, is known of it; or how it was compared otherwise. */
  readonly note: string | null
  /** False: the counts are of a part of it at most. */
  readonly whole: boolean
}

/** Counts, keys and classes, and no other value: those are for a file of the person alone. */
export interface SalvageReport {
  readonly version: 1
  readonly old: string
  readonly writer: string
  readonly failover: OperationId
  /** What the new writer had when it was opened; null: the ledger does not say. */
  readonly kept: FailoverKept | null
  readonly merge: readonly string[]
  /** Null: it was not looked yet. */
  readonly looked: {
    readonly at: Readonly<Record<'old' | 'writer', InstanceAddress>>
    readonly tables: readonly SalvagedTable[]
    /** Of one side alone. */
    readonly apart: readonly string[]
    /** Of these, what the new writer lacks; absent: of a worker that did not tell them apart. */
    readonly alone?: readonly string[]
  } | null
}

/** As the workflow carries it. */
export interface SalvageSummary {
  readonly summary: string
  readonly findings: readonly Finding[]
  /** Those that no merge settles; absent: of a worker that did not tell them apart. */
  readonly left?: readonly Finding[]
}
