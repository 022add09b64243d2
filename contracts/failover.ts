/** Inputs and results of the operation by which a standby becomes the writer because its source is dead: `capstan failover`. docs/decisions/0032. */
import { type EndpointQueue, type EndpointState, endpointQueue, type HostPort } from './endpoint'
import { type Cloud, type DatabaseEntry, lockScope } from './fleet'
import type { LockRef } from './lock'
import type { InstanceAddress } from './migrate'
import { type Finding, type IsoInstant, OPERATION_STEPS, type OperationInput, type Sha256, type StepName } from './operation'
import type { StandbyRequest, StandbySides } from './replicate'
import type { ClockSkew, StandbyNames } from './standby'
import type { OperationStarter } from './start'

export const FAILOVER_WORKFLOW = 'failover'

/** The runbook's steps in order; docs/runbooks/failover.md has the same headings. */
export const FAILOVER_STEPS = {
  lock: OPERATION_STEPS.lock,
  lockStandby: OPERATION_STEPS.lockOther,
  probe: { id: 'probe', title: 'Probe the source' },
  plan: { id: 'plan', title: 'State what may be lost' },
  approve: { id: 'approve', title: 'Wait for an approval' },
  fence: { id: 'fence', title: 'Fence the source' },
  drain: { id: 'drain', title: 'Let the standby apply what it has' },
  open: { id: 'open', title: 'Open the standby' },
  move: { id: 'move', title: 'Move the endpoint' },
  views: { id: 'views', title: 'Fill the materialized views' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger. */
export const FAILOVER_DOCUMENTS = {
  plan: 'failover-plan',
  /** How fencing came out. */
  fenced: 'failover-fenced',
  /** Once it is there the standby is the writer: no fence is lifted any more. */
  opened: 'failover-opened',
  /** Where each sequence is set to, before the first is. */
  sequences: 'failover-sequences',
  /** What the standby had when nothing followed any more. */
  kept: 'failover-kept',
} as const

/** In the bundle, beside the source's entry. */
export interface FailoverRequest extends StandbyRequest {
  /** How long the source is probed before it counts as dead. */
  readonly patienceMs: number
  /** How long its cloud may take to fence it. */
  readonly fenceMsMax: number
  /** How long the standby may go on applying what it has received. */
  readonly drainMsMax: number
  /** The requester's word; null: none was given. */
  readonly acceptLossMs: number | null
  /** Steps that a sequence is set ahead of what is known of it. */
  readonly sequenceMargin: number
  /** Why writing moves away from a source that lives; null: only from one that is dead. */
  readonly althoughItAnswers: string | null
  /** Why the standby is opened though nobody can prove that the source takes no writes; null: it is not. */
  readonly unfenced: string | null
}

export interface FailoverInput extends OperationInput {
  readonly standby: string
  readonly standbyCloud: Cloud
  readonly standbyLockScope: string
  /** Whose workers probe the source. */
  readonly clouds: readonly Cloud[]
  readonly patienceMs: number
  readonly fenceMsMax: number
  /** The requester's reason; null: none. */
  readonly unfenced: string | null
  /** Whose worker moves the endpoint; absent: that of `postgres`. */
  readonly endpointOn?: EndpointQueue
}

export function failoverStarter(
  source: DatabaseEntry,
  request: FailoverRequest,
  clouds: readonly Cloud[],
  mode: FailoverInput['mode'],
): OperationStarter<FailoverInput> {
  const { standby, patienceMs, fenceMsMax, unfenced } = request
  const asked = {
    ...{ standby: standby.name, standbyCloud: standby.cloud, standbyLockScope: lockScope(standby) },
    ...{ clouds, patienceMs, fenceMsMax, unfenced, endpointOn: endpointQueue(source.endpoint) },
  }
  return {
    kind: 'failover',
    workflow: FAILOVER_WORKFLOW,
    summary: `${mode} ${source.name} (${source.cloud}, ${source.environment}): its standby ${standby.name} (${standby.cloud}) becomes the writer`,
    others: [standby.name],
    inputOf: (common) => ({ ...common, ...asked }),
  }
}

/** `served`: a statement was answered; `answered`: PostgreSQL is there and lets nobody in; `silent`: nothing came in all the time; `unknown`: the probe could
 *  not be made, which says nothing of the source. */
export type ProbeOutcome = 'served' | 'answered' | 'silent' | 'unknown'

export interface Probe {
  /** As `the worker of gcp`. */
  readonly from: string
  readonly outcome: ProbeOutcome
  /** What was met last, in a few words. */
  readonly said: string
  readonly rounds: number
  /** From which place of the network: probes of one such place are one witness. Absent: `from` is its name. */
  readonly via?: string
  /** The machine itself said that nobody listens there, which a network that is cut does not. */
  readonly refused?: true
}

/** `ill`: neither served nor agreed to be dead. */
export type SourceVerdict = 'healthy' | 'ill' | 'dead'

/** What the source's cloud says of it. */
export interface SourceSeen {
  /** Null: nobody knows where it answers. */
  readonly address: InstanceAddress | null
  /** Its cloud has no such instance any more. */
  readonly gone: boolean
  /** For people: the cloud's own word, or why it could not be asked. */
  readonly said: string
}

export interface Probed {
  readonly verdict: SourceVerdict
  readonly probes: readonly Probe[]
  /** From how many different places of the network it was asked, and how many of those met silence. Absent: from before they were told apart. */
  readonly asked?: { readonly places: number; readonly silent: number }
  readonly cloudSays: string
  /** When the probes ended. */
  readonly declaredAt: IsoInstant
}

/** What the standby is known to have, and what of the source is known besides. */
export interface Exposure {
  /** The newest beat that the standby has: all that the source committed before it is there. Null: none has ever come. */
  readonly beat: { readonly at: IsoInstant; readonly lsn: string } | null
  /** From that beat until the source was declared dead: of one that is dead no other writes can be missing. By as much more as the source's clock may be ahead. Null:
   *  nobody knows. */
  readonly lossMsMax: number | null
  /** The source's clock, by which it beats, beside ours, as the watch saw it last. Absent: it never has. */
  readonly skew?: ClockSkew
  /** When the watch heard the source last, and where its log ended then. */
  readonly heard: { readonly at: IsoInstant; readonly flushed: string } | null
  /** Log that is known to have been written after that beat, at least, the source's own upkeep included; null: nobody knows. */
  readonly missingBytesMin: number | null
  /** Sequences that no column draws from and the watch has not seen: after the margin they may repeat themselves. */
  readonly unseenSequences: readonly string[]
}

export interface FailoverQuestion {
  readonly sides: StandbySides
  readonly probed: Probed
  /** Null: none are held, since nothing is to be changed. */
  readonly locks: { readonly source: LockRef; readonly standby: LockRef } | null
  readonly endpoint: FailoverEndpoint
}

/** `silent`: it did not say where it leads, as one does that died with its source; `at` is null then. */
export type FailoverEndpoint = Pick<EndpointState, 'at' | 'summary'> & { readonly silent?: true }

/** The plan as the workflow carries it: the whole one is in the ledger. */
export interface FailoverPlanSummary {
  readonly digest: Sha256
  /** Of the standby. */
  readonly epoch: number
  readonly blocks: readonly Finding[]
  readonly summary: string
  readonly lossMsMax: number | null
  /** Why somebody else has to approve it; null: what may be lost was allowed beforehand. */
  readonly asks: string | null
}

/** What `--plan` shows. Its digest covers everything but itself and what moves while a source lives. */
export interface FailoverPlan {
  readonly version: 1
  readonly digest: Sha256
  readonly bundle: Sha256
  readonly source: InstanceAddress
  readonly standby: InstanceAddress
  readonly names: StandbyNames
  readonly probed: Probed
  readonly exposure: Exposure
  readonly endpointAt: HostPort | null
  readonly althoughItAnswers: string | null
  readonly unfenced: string | null
  readonly allowedLossMs: number | null
  readonly asks: string | null
  readonly blocks: readonly Finding[]
  readonly warnings: readonly Finding[]
  /** Until when the loss is reckoned: the proof of the fence, which came later than was allowed. Absent: until the source was declared dead. */
  readonly fencedAt?: IsoInstant
  /** A sentence each: what the source holds and no standby gets, as far as is known. Absent: of a worker that did not look. */
  readonly uncarried?: readonly string[]
  /** Of a source that is to be drained: unlogged tables that hold something, which are told and not refused. */
  readonly unlogged?: readonly string[]
}

/** `database`: by PostgreSQL, and drained; `cloud`: by its cloud; `none`: not at all. */
export interface FailoverFence {
  readonly version: 1
  readonly outcome: 'proven' | 'not-proven' | 'unreachable-cloud'
  readonly by: 'database' | 'cloud' | 'none'
  /** Each a sentence: what was done, and what was seen. */
  readonly evidence: readonly string[]
  /** The standby has all that was ever acknowledged. */
  readonly drained: boolean
  /** Whoever starts it again lets nobody in but the control plane. */
  readonly staysShut: boolean
  /** When it was found so; later, where it had to be closed or stopped again since. */
  readonly at: IsoInstant
  /** How often that was by then, as the ledger has it. Absent: nobody noted it. */
  readonly reasserted?: number
  /** Who takes it upon himself that it is not proven, and why; null: it is proven. */
  readonly acknowledged: { readonly by: string; readonly reason: string } | null
}

/** What the standby had in the end. */
export interface FailoverKept {
  readonly version: 1
  readonly beat: Exposure['beat']
  /** From that beat until the source was proven fenced: what was declared dead may have taken writes until then. 0 where it was drained; null: nobody knows. */
  readonly lossMsMax: number | null
  readonly drained: boolean
  /** A sentence each: what the source held besides that goes to no standby, as far as is known. Absent: of a worker that did not look. */
  readonly uncarried?: readonly string[]
}
