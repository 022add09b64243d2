/** Inputs and results of retiring an old writer, from which writing has moved for good: `capstan standby retire`. docs/decisions/0032. */
import type { FencedTarget } from './instance-fence'
import type { OperationId, Sha256, StepName } from './operation'
import { REBUILD_STEPS } from './rebuild'
import { STANDBY_STEPS } from './replicate'

/** The steps between the locks and the evidence, in order; docs/runbooks/replicate.md has the same headings. */
export const RETIRE_STEPS = {
  find: { id: 'find', title: 'Find what is to be retired' },
  letIn: REBUILD_STEPS.letIn,
  snapshot: { id: 'snapshot', title: 'Take its last snapshot' },
  remove: STANDBY_STEPS.remove,
  shut: { id: 'shut', title: 'Close the old writer to everybody' },
  stop: { id: 'stop-old', title: 'Have its cloud close and stop it' },
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger. */
export const RETIRE_DOCUMENTS = { plan: 'retire-plan' } as const

/** As the workflow carries it. */
export interface RetiredWriter {
  readonly digest: Sha256
  /** By which writing moved away from it. */
  readonly movedBy: OperationId
  readonly target: FencedTarget
  /** It follows the writer of now. */
  readonly follows: boolean
  /** Its cloud keeps it closed. */
  readonly fence: { readonly bundle: Sha256 } | null
  /** In which the old writer is the database itself. */
  readonly bundle: Sha256
  readonly retentionHours: number
  readonly summary: string
}

/** What `--plan` shows, and what an approval approves. */
export interface RetirePlan {
  readonly version: 1
  readonly digest: Sha256
  readonly old: string
  readonly writer: string
  readonly movedBy: OperationId
  readonly instance: FencedTarget
  readonly follows: boolean
  readonly fencedByCloud: boolean
  readonly stop: boolean
  /** Of its cloud's tool, by which a person removes it once nobody needs it. */
  readonly removal: readonly string[]
}
