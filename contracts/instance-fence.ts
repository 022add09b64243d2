/** What keeps everybody off an instance through its cloud's API, where its PostgreSQL cannot be asked, or not be trusted to stay away: how it is said by
 *  operations, the watch of it, and the ledger. */
import type { Cloud } from './fleet'
import type { InstanceAddress } from './migrate'
import type { IsoInstant, OperationId, Sha256 } from './operation'

/** The very instance. */
export type FencedTarget = Pick<InstanceAddress, 'instance' | 'instanceId'>

/** `networks`: who was let in by its network is not any more; connections that stand go on. `stop`: its server is stopped. `restart`: where it cannot be
 *  stopped, its server was restarted once its networks were closed, which ends whoever was connected. */
export type FenceMeans = 'networks' | 'stop' | 'restart'

/** What its cloud was told. */
export interface OrderedFence {
  readonly means: readonly FenceMeans[]
  /** Means that could not be taken, each a sentence. */
  readonly untaken: readonly string[]
  readonly at: IsoInstant
}

/** What its cloud says of it. `stopped` is its word alone: that a server ends takes time, and may be said before it is so. */
export interface FenceState {
  /** `gone`: none of that name, or another one. */
  readonly state: 'running' | 'changing' | 'stopped' | 'gone'
  /** The cloud's own word; null where it is gone. */
  readonly cloudState: string | null
  /** Rules that let somebody in, other than those that the fence leaves. Empty too where it is gone. */
  readonly lettingIn: readonly string[]
  /** Its server was restarted by us after its networks were closed, as its cloud says. */
  readonly restarted: boolean
  readonly at: IsoInstant
}

/** What was found at the instance itself, and what it makes of the cloud's word. `proven`: both are true. */
export interface CloudFenceProof {
  readonly newConnectionsRefused: boolean
  /** `unknown`: nobody can say, which is no proof. */
  readonly oldOnesDead: boolean | 'unknown'
  readonly proven: boolean
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
  /** What is to be put back: null until it is known. */
  readonly before: { readonly running: boolean; readonly rules: readonly string[]; readonly ruleNames: Readonly<Record<string, string>> } | null
  /** What the fence leaves in. */
  readonly leftIn: readonly string[]
  readonly means: readonly FenceMeans[]
  /** Of the server, ordered by us once the networks were closed; null: none was. */
  readonly restart: { readonly at: IsoInstant; readonly operation: string | null } | null
  readonly look: FenceLook | null
  /** How often it was closed or stopped once more. */
  readonly reasserted: number
  readonly lifted: { readonly by: string; readonly reason: string; readonly at: IsoInstant } | null
}

/** The newest look of the watch. */
export interface FenceLook {
  readonly at: IsoInstant
  readonly state: FenceState['state'] | 'unknown'
  /** What was found and done about it; null: all was as it should be. */
  readonly found: string | null
}

export const KEEP_FENCED_WORKFLOW = 'keepFenced'

/** `keep-fenced/aws/123456789012/eu-central-1/shop`: the schedule, one for each instance. */
export function keepFencedId({ cloud, account, region, instance }: Pick<FencedInstance, 'cloud' | 'account' | 'region' | 'instance'>): string {
  return `keep-fenced/${cloud}/${account}/${region}/${instance.toLowerCase()}`
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
