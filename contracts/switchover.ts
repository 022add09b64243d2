/** Inputs and results of the operation by which writing moves to a standby, and back by the same: `capstan switchover`. docs/decisions/0027, 0028. */
import { type EndpointQueue, type EndpointState, endpointQueue, type HostPort, type PauseFacts } from './endpoint'
import type { FencePlanSummary } from './fence'
import { type Cloud, type DatabaseEntry, lockScope } from './fleet'
import type { IsoInstant } from './instant'
import type { LockRef } from './lock'
import type { InstanceAddress } from './migrate'
import { type Finding, OPERATION_STEPS, type OperationInput, type Sha256, type StepName } from './operation'
import type { StandbyEpochs, StandbyRequest, StandbySides } from './replicate'
import type { DeclaredStandby, StandbyNames } from './standby'
import type { OperationStarter } from './start'
import type { StepRef } from './step-ref'

export const SWITCHOVER_WORKFLOW = 'switchover'

/** The runbook's steps in order; docs/runbooks/switchover.md has the same headings. */
export const SWITCHOVER_STEPS = {
  lock: OPERATION_STEPS.lock,
  lockStandby: OPERATION_STEPS.lockOther,
  plan: { id: 'plan', title: 'Look whether writing can move' },
  approve: { id: 'approve', title: 'Wait for an approval' },
  compare: { id: 'compare', title: 'Compare both' },
  views: { id: 'views', title: 'Fill the materialized views' },
  papers: { id: 'papers', title: 'Write down what is left to do' },
  wayBack: { id: 'way-back', title: 'Prepare the way back' },
  /** In its place, where there can be none. */
  apart: { id: 'apart', title: 'Keep applications out of the standby' },
  hold: { id: 'hold', title: 'Make sure that clients can wait' },
  rehearse: { id: 'rehearse', title: 'Rehearse the crossing' },
  takeAway: { id: 'take-away', title: 'Take the way back away' },
  cross: { id: 'cross', title: 'Fence the source and drain it' },
  lookAgain: { id: 'look-again', title: 'Look once more' },
  move: { id: 'move', title: 'Move the endpoint' },
  open: { id: 'open', title: 'Open the standby' },
  resume: { id: 'resume', title: 'Let the clients go on' },
  follow: { id: 'follow', title: 'Let the old writer follow' },
  turn: { id: 'turn', title: 'Turn the standby round' },
  /** In the place of both, where there can be no way back. */
  leave: { id: 'leave', title: 'Leave the old writer closed' },
  observe: { id: 'observe', title: 'Watch the new writer' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger. */
export const SWITCHOVER_DOCUMENTS = {
  plan: 'switchover-plan',
  /** What a person would do by hand from there on, and how to go back. */
  papers: 'switchover-papers',
  crossing: 'switchover-crossing',
  /** What `synchronous_commit` of the way there was before the crossing. */
  synced: 'switchover-synced',
  /** Once it is there the standby is the writer: no fence is lowered any more. */
  moved: 'switchover-moved',
  /** Once it is there the operation moves nothing any more: the source was opened again. */
  takenBack: 'switchover-taken-back',
  /** The row of the source that the standby has to have before it follows all of it again. */
  followedAgain: 'switchover-followed-again',
} as const

/** In the bundle, beside the source's entry. */
export interface SwitchoverRequest extends StandbyRequest {
  /** How the source follows once writing has moved. Null: nobody declared it, and there is no way back. */
  readonly back: DeclaredStandby | null
  /** Why writing moves although no version of the source's can follow back; absent: only with a way back. */
  readonly oneWay?: string
  /** Does what comes before the fence, but for papers and the holding of clients, says how long writing would stand still, and takes it back; moves nothing. */
  readonly rehearse: boolean
  /** What the standby may take, once nobody can write any more, until it has all; above it the source is opened again. */
  readonly drainMsMax: number
  /** For how long the tables that change most are compared while nobody can write; 0: none is. */
  readonly compareMsMax: number
  /** For how long the new writer is looked at once writing has moved; absent or 0: not at all. */
  readonly observeMs?: number
}

export interface SwitchoverInput extends OperationInput {
  /** PostgreSQL's own name of what is closed. */
  readonly sourceDatabase: string
  readonly standby: string
  readonly standbyCloud: Cloud
  readonly standbyLockScope: string
  readonly rehearse: boolean
  readonly approval: 'none' | 'required'
  /** Without a way back: the old writer stays closed. Absent: with one. */
  readonly oneWay?: true
  /** Absent: it was asked for before there was such a step. */
  readonly observeMs?: number
  /** Whose worker moves the endpoint; absent: that of `postgres`. */
  readonly endpointOn?: EndpointQueue
}

export function switchoverStarter(
  source: DatabaseEntry,
  { standby, rehearse, oneWay, observeMs = 0 }: SwitchoverRequest,
  mode: SwitchoverInput['mode'],
): OperationStarter<SwitchoverInput> {
  const asks = [source, standby].some(({ policy }) => policy.approval === 'required')
  const asked = {
    ...{ standby: standby.name, standbyCloud: standby.cloud, standbyLockScope: lockScope(standby) },
    ...{ sourceDatabase: source.database, rehearse, approval: asks ? ('required' as const) : ('none' as const) },
    endpointOn: endpointQueue(source.endpoint),
    ...(oneWay === undefined ? {} : { oneWay: true as const }),
    observeMs,
  }
  return {
    kind: 'switchover',
    workflow: SWITCHOVER_WORKFLOW,
    summary: `${rehearse ? 'rehearse' : mode} ${source.name} (${source.cloud}, ${source.environment}): writing moves to ${standby.name} (${standby.cloud})${oneWay === undefined ? '' : ', with no way back'}`,
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
  /** Whether its clients can wait meanwhile. */
  readonly pause: PauseFacts
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
  /** Clients of the endpoint wait from before the fence until the standby is open, and see no error. */
  readonly holds: boolean
  /** Materialized views of the source that hold something; absent: an older plan. */
  readonly views?: readonly string[]
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
  /** There is no way back: why there can be none, and why writing moves all the same. Absent: there is one. */
  readonly oneWay?: { readonly because: string; readonly reason: string }
  /** Null: a person moves applications. */
  readonly endpointAt: HostPort | null
  /** Its clients wait meanwhile; else they are disconnected. */
  readonly holds: boolean
  /** Databases of the source that are closed, and what raising the fence does. */
  readonly closes: readonly string[]
  readonly fence: string
  readonly tables: number
  readonly sequences: number
  /** Of their names, sorted: an approval is of these, and not of as many others. */
  readonly objects: Sha256
  /** Unlogged tables of the source that hold something, which is not carried. */
  readonly unlogged: readonly string[]
  /** Materialized views of the source that hold something: the standby's are filled before anybody is shut out. Absent: an older plan. */
  readonly views?: readonly string[]
  readonly lagMs: number | null
  /** From the fence until the endpoint has moved, in milliseconds: what was measured on one machine, and how late the standby is. */
  readonly predictedOutageMs: number
  readonly blocks: readonly Finding[]
  readonly warnings: readonly Finding[]
}

/** Of one database, since its statistics began. */
export interface TrafficSeen {
  readonly commits: number
  readonly rollbacks: number
  readonly deadlocks: number
}

export interface FollowedSeen {
  /** In the ledger. */
  readonly state: string
  readonly reason: string | null
  /** Of its watch; null: it has not looked yet. */
  readonly lookedAt: IsoInstant | null
  /** Of a look in which a side could not be asked: why. */
  readonly unreached: string | null
  readonly lagMs: number | null
  readonly applyErrors: number | null
}

interface TrafficBetween {
  readonly since: TrafficSeen
  readonly now: TrafficSeen
}

/** What was seen of a new writer since writing moved to it. */
export interface Observed {
  readonly version: 1
  readonly looks: number
  /** In which it did not answer. */
  readonly silent: number
  /** Sessions of applications, at most. */
  readonly sessionsMax: number
  /** Null: it never answered. */
  readonly writer: TrafficBetween | null
  readonly old: TrafficBetween | null
  /** Looks in which the old one did not answer. */
  readonly oldSilent: number
  /** The old writer; null: there is no way back. */
  readonly follows: {
    /** When it was asked for first. */
    readonly since: IsoInstant
    readonly lagMsMax: number | null
    readonly errorsSince: number | null
    readonly errors: number | null
    /** What it was when it did not; null: it always did. */
    readonly notFollowing: string | null
  } | null
  /** In the fleet file. */
  readonly names: { readonly writer: string; readonly old: string }
}

/** What each act of a moving is given. */
export interface Switching extends StepRef {
  readonly sides: StandbySides
  readonly epochs: StandbyEpochs
  /** Of the keyhole of the source. */
  readonly fenceEpoch: number
}
