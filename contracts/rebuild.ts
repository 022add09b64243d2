/** Inputs and results of rebuilding an old writer, which a failover or a switchover gave up, as a standby of the new one: `capstan replicate --rebuild`. docs/decisions/0032. */
import type { FencedTarget } from './instance-fence'
import type { OperationId, Sha256, StepName } from './operation'

/** The steps that come before and behind those of setting a standby up, in order; docs/runbooks/replicate.md has the same headings. */
export const REBUILD_STEPS = {
  find: { id: 'find', title: 'Find what was given up' },
  letIn: { id: 'let-in', title: 'Start the old writer for the control plane alone' },
  admit: { id: 'admit', title: 'Close the old writer to all but its own roles' },
  lift: { id: 'lift', title: 'Lift the fence of its cloud' },
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger; the others are of `replicate`. */
export const REBUILD_DOCUMENTS = {
  plan: 'rebuild-plan',
  /** Written before the old writer is changed for the first time: without it there is nothing to take back. */
  admitted: 'rebuild-admitted',
} as const

/** In the bundle, with what is asked of the standby. */
export interface RebuildRequest {
  /** Why what the old writer has alone may be thrown away unseen; null: somebody has looked. */
  readonly discard: string | null
  /** Other databases of the fleet file on the old writer's instance. */
  readonly beside: readonly string[]
}

/** As the workflow carries it. */
export interface GivenUpWriter {
  readonly digest: Sha256
  /** The failover, or the switchover, since which another one is the writer. */
  readonly givenUpBy: OperationId
  /** The instance that was given up: another one of its name was not. */
  readonly instanceId: string
  /** By its cloud; null: by PostgreSQL alone, which runs. */
  readonly fence: { readonly operation: OperationId; readonly bundle: Sha256; readonly target: FencedTarget } | null
  /** Why somebody else has to approve it, whatever the policy says; null: nothing of it is there alone. */
  readonly asks: string | null
  readonly summary: string
}

/** What `--plan` shows, and what an approval approves. */
export interface RebuildPlan {
  readonly version: 1
  readonly digest: Sha256
  readonly old: string
  readonly writer: string
  readonly givenUpBy: OperationId
  readonly instance: FencedTarget
  readonly fencedBy: 'cloud' | 'database'
  /** That has looked; null: none had to, or what it has alone is thrown away unseen. */
  readonly salvage: OperationId | null
  readonly discard: string | null
  /** What is known to be in the old writer alone, a sentence each. */
  readonly left: readonly string[]
  /** Up to which its disk may be made larger for the rows; null: not at all. */
  readonly growToGib: number | null
  readonly asks: string | null
}
