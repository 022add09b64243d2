/** Inputs and results of the operation by which a cloud exchanges the roles of an instance and its own read replica: `capstan switchover` where the fleet file
 *  declares the one among the other's `replicas`. docs/decisions/0037. */
import { type EndpointQueue, type EndpointState, endpointQueue, type HostPort } from './endpoint'
import type { FailoverEndpoint, Probed } from './failover'
import { type Cloud, type DatabaseEntry, lockScope } from './fleet'
import type { LockRef } from './lock'
import type { InstanceAddress } from './migrate'
import { type Finding, type IsoInstant, OPERATION_STEPS, type OperationInput, type Sha256, type StepName } from './operation'
import type { StandbySides } from './replicate'
import type { OperationStarter } from './start'

export const EXCHANGE_WORKFLOW = 'exchange'

/** The runbook's steps in order; docs/runbooks/exchange.md has the same headings. */
export const EXCHANGE_STEPS = {
  lock: OPERATION_STEPS.lock,
  lockReplica: OPERATION_STEPS.lockOther,
  /** Of a failover alone. */
  probe: { id: 'probe', title: 'Probe the source' },
  plan: { id: 'plan', title: 'Look whether the cloud can exchange both' },
  approve: { id: 'approve', title: 'Wait for an approval' },
  /** Not of a failover. */
  mark: { id: 'mark', title: 'See that the replica follows' },
  /** Of a failover alone. */
  fence: { id: 'fence', title: 'Fence the source' },
  exchange: { id: 'exchange', title: 'Have the cloud exchange both' },
  prove: { id: 'prove', title: 'See who writes' },
  move: { id: 'move', title: 'Move the endpoint' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger. */
export const EXCHANGE_DOCUMENTS = {
  plan: 'exchange-plan',
  /** Written before the cloud is told: from then on it may be exchanging both. */
  begun: 'exchange-begun',
  /** What the cloud calls the exchange. */
  asked: 'exchange-asked',
  /** Who writes, and by which evidence. */
  proven: 'exchange-proven',
} as const

/** In the bundle, beside the entry that is written to now. */
export interface ExchangeRequest {
  /** Of the read replica. */
  readonly standby: DatabaseEntry
  /** What the replica may take, right before, until it shows a row that was just written; above it nothing is exchanged. */
  readonly followMsMax: number
  /** Absent: it is planned, and nothing is lost. */
  readonly takeOver?: TakeOverRequest
}

/** A failover by the cloud: the source is given up, and asked nothing. As of a standby's, docs/decisions/0032. */
export interface TakeOverRequest {
  /** How long the source is probed before it counts as dead. */
  readonly patienceMs: number
  /** How long its cloud may take to close it. */
  readonly fenceMsMax: number
  /** The requester's word; null: none was given. */
  readonly acceptLossMs: number | null
  /** Why writing moves away from a source that lives; null: only from one that is dead. */
  readonly althoughItAnswers: string | null
  /** Why the replica is promoted though nobody can prove that the source takes no writes; null: it is not. */
  readonly unfenced: string | null
}

export interface ExchangeInput extends OperationInput {
  readonly standby: string
  readonly standbyCloud: Cloud
  readonly standbyLockScope: string
  readonly approval: 'none' | 'required'
  /** Whose worker moves the endpoint. */
  readonly endpointOn: EndpointQueue
  /** Absent: it is planned. `clouds`: whose workers probe. */
  readonly takeOver?: Pick<TakeOverRequest, 'patienceMs' | 'fenceMsMax' | 'unfenced'> & { readonly clouds: readonly Cloud[] }
}

export function exchangeStarter(
  source: DatabaseEntry,
  { standby, takeOver }: ExchangeRequest,
  mode: ExchangeInput['mode'],
  clouds: readonly Cloud[] = [],
): OperationStarter<ExchangeInput> {
  const asks = [source, standby].some(({ policy }) => policy.approval === 'required')
  const asked = {
    ...{ standby: standby.name, standbyCloud: standby.cloud, standbyLockScope: lockScope(standby) },
    ...{ approval: asks ? ('required' as const) : ('none' as const), endpointOn: endpointQueue(source.endpoint) },
    ...(takeOver && {
      takeOver: { patienceMs: takeOver.patienceMs, fenceMsMax: takeOver.fenceMsMax, unfenced: takeOver.unfenced, clouds },
    }),
  }
  const does = takeOver ? 'fails it over to' : 'exchanges it with'
  return {
    kind: 'exchange',
    workflow: EXCHANGE_WORKFLOW,
    summary: `${mode} ${source.name} (${source.cloud}, ${source.environment}): its cloud ${does} its read replica ${standby.name}`,
    others: [standby.name],
    inputOf: (common) => ({ ...common, ...asked }),
  }
}

/** Where a side answers now. */
export interface ExchangeSide extends InstanceAddress {
  /** Where it answers once both are exchanged; absent: there as well. */
  readonly afterwards?: HostPort
}

export interface ExchangeSides extends StandbySides {
  readonly source: ExchangeSide
  readonly standby: ExchangeSide
}

/** What the cloud's own API says of both, and where they answer. */
export interface CloudOfBoth {
  readonly sides: ExchangeSides
  /** Each a sentence with what to do. */
  readonly obstacles: readonly string[]
  /** What the vendor calls the act, and how a person has it done, as a command line each. */
  readonly act: { readonly called: string; readonly byHand: readonly string[] }
}

export interface ExchangeQuestion extends CloudOfBoth {
  /** Null: none are held, since nothing is to be changed. */
  readonly locks: { readonly source: LockRef; readonly standby: LockRef } | null
  readonly endpoint: EndpointState
}

export interface TakeOverQuestion extends CloudOfBoth {
  readonly endpoint: FailoverEndpoint
  readonly probed: Probed
}

/** What a replica is known to have of a source that is given up. */
export interface TakeOverExposure {
  /** The newest commit that it has replayed, by the source's clock: all before it is there. Null: it has replayed none since it was started. */
  readonly had: { readonly at: IsoInstant; readonly lsn: string | null } | null
  /** From that commit until the source was declared dead, or was proven fenced later than was allowed, of which a source that nobody wrote to lost nothing; null: nobody
   *  knows, as where its clock is ahead of ours. */
  readonly lossMsMax: number | null
}

/** The plan as the workflow carries it: the whole one is in the ledger. */
export interface ExchangePlanSummary {
  readonly digest: Sha256
  /** Under which the source is marked. */
  readonly epoch: number
  readonly blocks: readonly Finding[]
  readonly summary: string
  /** Of a failover: why somebody else has to approve it; null: what may be lost was allowed beforehand. */
  readonly asks?: string | null
  /** Of a failover: as of `TakeOverExposure`. */
  readonly lossMsMax?: number | null
}

/** What `--plan` shows. Its digest covers everything but itself and what moves while others write. */
export interface ExchangePlan {
  readonly version: 1
  readonly digest: Sha256
  readonly bundle: Sha256
  readonly source: ExchangeSide
  readonly standby: ExchangeSide
  readonly act: CloudOfBoth['act']
  /** Why the cloud's own way is taken, one sentence. */
  readonly why: string
  /** Null: a person moves applications. */
  readonly endpointAt: HostPort | null
  /** Log that the source has flushed and the replica has not replayed; null: nobody could say. */
  readonly lagBytes: number | null
  /** Of a failover alone. */
  readonly takeOver?: Pick<TakeOverRequest, 'althoughItAnswers' | 'unfenced'> & {
    readonly probed: Probed
    readonly exposure: TakeOverExposure
    readonly allowedLossMs: number | null
    readonly asks: string | null
    /** Until when the loss is reckoned, where that is more than was allowed. Absent: until the source was declared dead. */
    readonly fencedAt?: IsoInstant
  }
  readonly blocks: readonly Finding[]
  readonly warnings: readonly Finding[]
}

/** `stayed`: the cloud says that it came to nothing. */
export interface ExchangeEnd {
  readonly outcome: 'exchanged' | 'stayed'
  readonly summary: string
}

export interface GivenUpSource {
  /** That it takes no writes; what it does not say itself is not waited for then. */
  readonly isFenced: boolean
}

/** By the databases' own word. */
export interface WriterProven {
  readonly version: 1
  /** `source`: the exchange came to nothing. `none`: so did that by which a source was given up that takes no writes either. */
  readonly writer: 'source' | 'standby' | 'none'
  /** `follows`: it says itself that it is a replica now; `silent`: it could not be asked. */
  readonly other: 'follows' | 'silent'
  /** Each a sentence. */
  readonly evidence: readonly string[]
}
