/** Inputs and results of the operation by which a cloud puts a changed copy of an instance in its place: `capstan upgrade`, by a blue/green deployment of RDS.
 *  *Blue* is the instance as it is, *green* the copy that follows it. docs/decisions/0038. */
import type { DatabaseEntry } from './fleet'
import type { LockRef } from './lock'
import type { InstanceAddress } from './migrate'
import { type Finding, OPERATION_STEPS, type OperationInput, type Sha256, type StepName } from './operation'
import type { PreflightFinding } from './preflight'
import type { OperationStarter } from './start'

export const UPGRADE_WORKFLOW = 'upgrade'

/** The runbook's steps in order; docs/runbooks/upgrade.md has the same headings. */
export const UPGRADE_STEPS = {
  lock: OPERATION_STEPS.lock,
  plan: { id: 'plan', title: 'Look whether the cloud can do it' },
  green: { id: 'green', title: 'Have the cloud make green' },
  proveGreen: { id: 'prove-green', title: 'Prove green' },
  approve: { id: 'approve', title: 'Wait for an approval' },
  mark: { id: 'mark', title: 'See that green follows' },
  switch: { id: 'switch', title: 'Have the cloud switch over' },
  prove: { id: 'prove', title: 'See who writes' },
  observe: { id: 'observe', title: 'Watch the new writer' },
  remove: { id: 'remove-deployment', title: 'Remove the deployment' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger. */
export const UPGRADE_DOCUMENTS = {
  plan: 'upgrade-plan',
  /** Written before the cloud is asked to make green: from then on there may be a deployment that is not listed yet. */
  greenAsked: 'upgrade-green-asked',
  /** What the deployment was seen to be made of, for whoever takes it away. */
  seen: 'upgrade-seen',
  /** What the cloud calls the deployment, and which instance green is: once it is there. */
  green: 'upgrade-green',
  /** What green was held against. */
  proof: 'upgrade-green-proven',
  /** Written before the cloud is told to switch over: from then on it may be at it. */
  begun: 'upgrade-begun',
  /** The cloud has accepted it. */
  asked: 'upgrade-asked',
  /** Since when the cloud shows, after the call, that it is at nothing; and nothing else in between. */
  resting: 'upgrade-resting',
  /** The same, while it refuses what it may have been told before. */
  refusing: 'upgrade-refusing',
  /** Who writes, and by which evidence. */
  proven: 'upgrade-proven',
} as const

/** Rules of findings that say what was not seen: with them alone the verdict is *inconclusive*. */
export const UPGRADE_DOUBTS = ['upgrade:sequence-unseen'] as const

/** What green is to have that blue has not; null: the same. */
export interface GreenWanted {
  /** As RDS takes it: `17`, or `17.4`. */
  readonly engineVersion: string | null
  readonly parameterGroup: string | null
  readonly instanceClass: string | null
}

export function wantedWords({ engineVersion, parameterGroup, instanceClass }: GreenWanted): string {
  return [
    ...(engineVersion === null ? [] : [`PostgreSQL ${engineVersion}`]),
    ...(parameterGroup === null ? [] : [`parameter group ${parameterGroup}`]),
    ...(instanceClass === null ? [] : [`class ${instanceClass}`]),
  ].join(', ')
}

/** In the bundle. */
export interface UpgradeRequest extends GreenWanted {
  /** What green may take, right before, until it shows a row that was just written; above it nothing is switched over. */
  readonly followMsMax: number
  /** After which the cloud takes its own switchover back. */
  readonly switchSecondsMax: number
  /** How long the tables that change most are compared. */
  readonly compareMsMax: number
  /** How long the new writer is watched before the deployment is removed. */
  readonly observeMs: number
}

export interface UpgradeInput extends OperationInput {
  readonly approval: 'none' | 'required'
  readonly observeMs: number
}

export function upgradeStarter(
  { name, cloud, environment, policy }: DatabaseEntry,
  { observeMs }: UpgradeRequest,
  mode: UpgradeInput['mode'],
): OperationStarter<UpgradeInput> {
  return {
    kind: 'upgrade',
    workflow: UPGRADE_WORKFLOW,
    summary: `${mode} ${name} (${cloud}, ${environment}): a changed copy takes its instance’s place`,
    inputOf: (common) => ({ ...common, approval: policy.approval, observeMs }),
  }
}

/** What the cloud's own API says. */
export interface CloudOfBlue {
  readonly blue: InstanceAddress
  /** Each a sentence with what to do. */
  readonly obstacles: readonly string[]
  /** What the vendor calls the act; null: it has none. */
  readonly called: string | null
  /** How a person has it done, as a command line each. */
  readonly byHand: readonly string[]
  /** Of another major version: then green follows by logical replication. */
  readonly major: boolean
}

export interface UpgradeQuestion extends CloudOfBlue {
  /** Null: none is held, since nothing is to be changed. */
  readonly lock: LockRef | null
}

/** The plan as the workflow carries it: the whole one is in the ledger. */
export interface UpgradePlanSummary {
  readonly digest: Sha256
  /** Under which blue is marked. */
  readonly epoch: number
  readonly blocks: readonly Finding[]
  readonly summary: string
}

/** What `--plan` shows. Its digest covers everything but itself. */
export interface UpgradePlan {
  readonly version: 1
  readonly digest: Sha256
  readonly bundle: Sha256
  readonly blue: InstanceAddress
  readonly wanted: GreenWanted
  readonly called: string | null
  readonly byHand: readonly string[]
  /** Why this way is taken, and not a standby; or why it cannot be. One sentence. */
  readonly why: string
  /** How green follows. */
  readonly follows: 'physically' | 'logically'
  readonly blocks: readonly Finding[]
  readonly warnings: readonly Finding[]
  /** The SQL by which each of the checks of logical replication looked; empty: none was asked. */
  readonly asked: Readonly<Partial<Record<PreflightFinding['check'], readonly string[]>>>
}

/** Green, as the cloud has made it. */
export interface Green {
  readonly address: InstanceAddress
  /** One line. */
  readonly summary: string
}

/** As it is kept in the ledger. */
export interface GreenMade {
  readonly version: 1
  /** As the cloud calls it. */
  readonly deployment: string
  readonly green: InstanceAddress
  /** Copies of the read replicas, by name. */
  readonly others: readonly string[]
  /** Of class and group, what green has not: each a sentence. */
  readonly lacking: readonly string[]
}

export interface GreenProven {
  /** Over the plan, and what of green does not move while others write: what an approval binds to. */
  readonly digest: Sha256
  readonly findings: readonly Finding[]
  readonly summary: string
}

/** `stayed`: the cloud says that it came to nothing. */
export interface SwitchEnd {
  readonly outcome: 'switched' | 'stayed'
  readonly summary: string
}

/** Which instance answers by the name, and which is the other one; null: it is gone, or has no address. */
export interface PlacesNow extends SwitchEnd {
  readonly named: InstanceAddress
  readonly other: InstanceAddress | null
}

/** By the databases' own word. */
export interface UpgradeProven {
  readonly version: 1
  /** `blue`: the switchover came to nothing. */
  readonly writer: 'green' | 'blue'
  /** `refuses`: it turned a write away; `silent`: it could not be asked. */
  readonly other: 'refuses' | 'silent'
  /** Each a sentence. */
  readonly evidence: readonly string[]
  readonly findings: readonly Finding[]
}
