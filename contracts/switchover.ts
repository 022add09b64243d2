/** Inputs and results of the operation by which writing moves to a standby, and back by the same: `capstan switchover`. docs/decisions/0027, 0028. */
import { type EndpointQueue, type EndpointState, endpointQueue, type HostPort } from './endpoint'
import type { FencePlanSummary } from './fence'
import { type Cloud, type DatabaseEntry, lockScope } from './fleet'
import type { LockRef } from './lock'
import type { InstanceAddress } from './migrate'
import { type Finding, OPERATION_STEPS, type OperationInput, type Sha256, type StepName } from './operation'
import type { StandbyEpochs, StandbyRequest, StandbySides } from './replicate'
import type { DeclaredStandby, StandbyNames } from './standby'
import type { OperationStarter } from './start'

export const SWITCHOVER_WORKFLOW = 'switchover'

/** The runbook's steps in order; docs/runbooks/switchover.md has the same headings. */
export const SWITCHOVER_STEPS = {
  lock: OPERATION_STEPS.lock,
  lockStandby: OPERATION_STEPS.lockOther,
  plan: { id: 'plan', title: 'Look whether writing can move' },
  approve: { id: 'approve', title: 'Wait for an approval' },
  compare: { id: 'compare', title: 'Compare both' },
  papers: { id: 'papers', title: 'Write down what is left to do' },
  wayBack: { id: 'way-back', title: 'Prepare the way back' },
  cross: { id: 'cross', title: 'Fence the source and drain it' },
  move: { id: 'move', title: 'Move the endpoint' },
  open: { id: 'open', title: 'Open the standby' },
  follow: { id: 'follow', title: 'Let the old writer follow' },
  turn: { id: 'turn', title: 'Turn the standby round' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger. */
export const SWITCHOVER_DOCUMENTS = {
  plan: 'switchover-plan',
  /** What a person would do by hand from there on, and how to go back. */
  papers: 'switchover-papers',
  crossing: 'switchover-crossing',
  /** Once it is there the standby is the writer: no fence is lowered any more. */
  moved: 'switchover-moved',
} as const

/** In the bundle, beside the source's entry. */
export interface SwitchoverRequest extends StandbyRequest {
  /** How the source follows once writing has moved. Null: nobody declared it, and there is no way back. */
  readonly back: DeclaredStandby | null
  /** Looks and compares, and says how long writing would stand still; moves nothing. */
  readonly rehearse: boolean
  /** What the standby may take, once nobody can write any more, until it has all; above it the source is opened again. */
  readonly drainMsMax: number
}

export interface SwitchoverInput extends OperationInput {
  /** PostgreSQL's own name of what is closed. */
  readonly sourceDatabase: string
  readonly standby: string
  readonly standbyCloud: Cloud
  readonly standbyLockScope: string
  readonly rehearse: boolean
  readonly approval: 'none' | 'required'
  /** Whose worker moves the endpoint; absent: that of `postgres`. */
  readonly endpointOn?: EndpointQueue
}

export function switchoverStarter(
  source: DatabaseEntry,
  { standby, rehearse }: SwitchoverRequest,
  mode: SwitchoverInput['mode'],
): OperationStarter<SwitchoverInput> {
  const asks = !rehearse && [source, standby].some(({ policy }) => policy.approval === 'required')
  const asked = {
    ...{ standby: standby.name, standbyCloud: standby.cloud, standbyLockScope: lockScope(standby) },
    ...{ sourceDatabase: source.database, rehearse, approval: asks ? ('required' as const) : ('none' as const) },
    endpointOn: endpointQueue(source.endpoint),
  }
  return {
    kind: 'switchover',
    workflow: SWITCHOVER_WORKFLOW,
    summary: `${rehearse ? 'rehearse' : mode} ${source.name} (${source.cloud}, ${source.environment}): writing moves to ${standby.name} (${standby.cloud})`,
    others: [standby.name],
    inputOf: (common) => ({ ...common, ...asked }),
  }
}

/** What the look is given besides the two sides. `locks` null: none are held, since nothing is to be changed. */
export interface SwitchoverQuestion {
  readonly sides: StandbySides
  readonly locks: { readonly source: LockRef; readonly standby: LockRef } | null
  readonly fence: FencePlanSummary
  readonly endpoint: EndpointState
}

/** The plan as the workflow carries it: the whole one is in the ledger. */
export interface SwitchoverPlanSummary {
  readonly digest: Sha256
  readonly epochs: StandbyEpochs
  /** Of the fence around the source. */
  readonly fenceEpoch: number
  /** What has to be mended first. */
  readonly blocks: readonly Finding[]
  readonly summary: string
  readonly predictedOutageMs: number
}

/** What `--plan` shows. Its digest covers everything but itself and what moves while others write. */
export interface SwitchoverPlan {
  readonly version: 1
  readonly digest: Sha256
  readonly bundle: Sha256
  readonly source: InstanceAddress
  readonly standby: InstanceAddress
  /** Of the way there, and of the way back. */
  readonly names: StandbyNames
  readonly back: StandbyNames
  /** Null: a person moves applications. */
  readonly endpointAt: HostPort | null
  /** Databases of the source that are closed, and what raising the fence does. */
  readonly closes: readonly string[]
  readonly fence: string
  readonly tables: number
  readonly sequences: number
  readonly lagMs: number | null
  /** From the fence until the endpoint has moved, in milliseconds: what was measured on one machine, and how late the standby is. */
  readonly predictedOutageMs: number
  readonly blocks: readonly Finding[]
  readonly warnings: readonly Finding[]
}

/** For a person with psql and nothing else. No password is in it. */
export interface SwitchoverPapers {
  readonly version: 1
  readonly forward: readonly PaperStep[]
  readonly back: readonly PaperStep[]
}

export interface PaperStep {
  readonly title: string
  /** As `source: shop on shop-1 (10.0.0.1:5432)`; where it is to be said. */
  readonly where: string
  readonly sql: readonly string[]
}
