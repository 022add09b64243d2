/** What keeps everybody off an instance through its cloud's API, where its PostgreSQL cannot be asked, or not be trusted to stay away: how it is said by
 *  operations, the watch of it, and the ledger. */
import type { Cloud } from './fleet'
import type { InstanceAddress } from './migrate'
import type { IsoInstant, OperationId, Sha256 } from './operation'

/** The very instance. */
export type FencedTarget = Pick<InstanceAddress, 'instance' | 'instanceId'>

/** `networks`: who was let in by its network is not any more; connections that stand go on. `stop`: its server is stopped. */
export type FenceMeans = 'networks' | 'stop'

/** What its cloud was told. */
export interface OrderedFence {
  readonly means: readonly FenceMeans[]
  /** Means that could not be taken, each a sentence. */
  readonly untaken: readonly string[]
  readonly at: IsoInstant
}

/** What its cloud says of it. `stopped` is its word alone: that a server ends takes time, and may be said before it is so. */
export interface FenceState {
  /** `gone`: no instance of that identity, under whatever name, and it is the right account that says so; `unknown`: it shows none, and nothing tells that
   *  the account is the right one, which is no proof of anything. */
  readonly state: 'running' | 'changing' | 'stopped' | 'gone' | 'unknown'
  /** The cloud's own word; null where it shows none. */
  readonly cloudState: string | null
  /** Rules that let somebody in, other than the control plane. Empty too where it shows none. */
  readonly lettingIn: readonly string[]
  readonly at: IsoInstant
}

/** What was found at the instance itself, and what it makes of the cloud's word. `proven`: both are true. */
export interface CloudFenceProof {
  readonly newConnectionsRefused: boolean
  /** `unknown`: nobody can say, which is no proof. */
  readonly oldOnesDead: boolean | 'unknown'
  readonly proven: boolean
  /** Its cloud says that it is stopped, nothing speaks against it, and where this was asked from nobody was refused, which a network that is cut shows as well: it
   *  wants another place of the network that its machine tells that nobody listens. */
  readonly silence?: true
  readonly gone: boolean
  readonly means: readonly FenceMeans[]
  /** One sentence for each thing that was seen. */
  readonly evidence: readonly string[]
  readonly at: IsoInstant
}

/** How fencing came out. `unreachable-cloud`: its API did not answer in time; what it was told before may hold. */
export interface CloudFenceOutcome {
  readonly outcome: 'proven' | 'not-proven' | 'unreachable-cloud'
  readonly proof: CloudFenceProof | null
  readonly untaken: readonly string[]
  readonly summary: string
}

export type FencedInstanceState = 'fencing' | 'fenced' | 'lifting' | 'lifted' | 'gone'

/** One row of the ledger's `fenced_instances`. */
export interface FencedInstance extends FencedTarget {
  readonly version: 1
  readonly cloud: Cloud
  readonly account: string
  readonly region: string
  /** Of the fleet file. */
  readonly database: string
  readonly state: FencedInstanceState
  /** That fenced it, and its bundle, in which its fleet entry is. */
  readonly operation: OperationId
  readonly bundle: Sha256
  readonly since: IsoInstant
  readonly requestedBy: string
  readonly reason: string
  /** What is to be put back; null until it is known. */
  readonly before: BeforeFence | null
  /** Whom its network lets in still: the control plane, as a copy's would. */
  readonly leftIn: readonly string[]
  /** `closed`: it may run, for the control plane alone. */
  readonly keep: 'stopped' | 'closed'
  readonly means: readonly FenceMeans[]
  readonly look: FenceLook | null
  /** How often it was closed or stopped once more. */
  readonly reasserted: number
  readonly lifted: { readonly by: string; readonly reason: string; readonly at: IsoInstant } | null
  /** Operations that want it besides `operation`, which took it over from them; the newest last. Absent: none. */
  readonly heldFor?: readonly FenceHold[]
}

export type FenceHold = Pick<FencedInstance, 'operation' | 'bundle'>

/** How it was when it was fenced. */
export interface BeforeFence {
  readonly running: boolean
  readonly rules: readonly string[]
  readonly ruleNames: Readonly<Record<string, string>>
  /** Rules that no call of ours can make again, in words. */
  readonly notGivenBack: readonly string[]
}

/** The newest look of the watch. */
export interface FenceLook {
  readonly at: IsoInstant
  readonly state: FenceState['state'] | 'unknown'
  /** What was found and done about it; null: all was as it should be. */
  readonly found: string | null
}

export type FencePlace = Pick<FencedInstance, 'cloud' | 'account' | 'region' | 'instance'>

/** `aws/123456789012/eu-central-1/shop`: as locks are scoped. */
export function fenceScope({ cloud, account, region, instance }: FencePlace): string {
  return `${cloud}/${account}/${region}/${instance.toLowerCase()}`
}

export const KEEP_FENCED_WORKFLOW = 'keepFenced'
export const LIFT_FENCE_WORKFLOW = 'liftFence'

/** `keep-fenced/aws/123456789012/eu-central-1/shop`: the schedule, one for each instance. */
export function keepFencedId(place: FencePlace): string {
  return `keep-fenced/${fenceScope(place)}`
}

/** What each run is told. */
export interface KeepFencedInput {
  readonly version: 1
  readonly cloud: Cloud
  readonly operation: OperationId
  readonly bundle: Sha256
  readonly target: FencedTarget
  readonly heartbeatTimeoutMs: number
}

export interface LiftFenceInput {
  readonly version: 1
  readonly fence: Pick<FencedInstance, 'cloud' | 'operation' | 'bundle' | 'instance' | 'instanceId'>
  /** Started for the control plane alone; its network stays closed. */
  readonly toUs: boolean
  /** Fleet name of the database that a failover has made the writer in its place; absent: none that the person knows of. */
  readonly writer?: string
  readonly by: string
  readonly reason: string
  readonly heartbeatTimeoutMs: number
}

export interface FenceInstanceInput {
  readonly operation: OperationId
  readonly step: string
  readonly bundle: Sha256
  readonly cloud: Cloud
  /** Where it answered. */
  readonly target: InstanceAddress
  readonly requestedBy: string
  readonly reason: string
  /** From when its cloud was asked first. */
  readonly withinMs: number
  /** Between two looks of the watch that keeps it fenced. */
  readonly keepEveryMs: number
  readonly heartbeatTimeoutMs: number
}
