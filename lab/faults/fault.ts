/** Faults that a caller ordered: what goes wrong, for whom, how often and until when. They belong to the lab, so that whatever
 *  a test shows can be shown again by hand. All of it is JSON and survives a restart of the lab. */

export type SettingValue = string | number

/** What a fault does to one instance for a while. */
export interface Effect {
  readonly cloud: string
  /** The instance's key in its cloud's state. */
  readonly target: string
  readonly from: string
  /** Null: over as soon as it has begun. */
  readonly until: string | null
  begun: boolean
}

export interface Fault {
  readonly id: string
  readonly kind: string
  /** The scope: null means all. */
  readonly cloud: string | null
  readonly operation: string | null
  /** An instance's identifier. */
  readonly instance: string | null
  /** Any resource's identifier. */
  readonly resource: string | null
  readonly account: string | null
  readonly region: string | null
  /** How many more calls it strikes; null: as many as come. */
  times: number | null
  /** That a call in its scope is struck, above 0 and up to 1. */
  readonly probability: number
  /** Before it does what it does. */
  readonly delayMs: number
  /** Of its own draws. */
  readonly seed: number
  readonly orderedAt: string
  readonly expiresAt: string
  /** What its kind alone has. */
  readonly settings: Readonly<Record<string, SettingValue>>
  /** Calls that could have been struck, which is how often was drawn. */
  seen: number
  struck: number
  effects: Effect[]
  /** Why it could do nothing. */
  trouble?: string
}

/** A call as faults see it. */
export interface CallFacts {
  readonly cloud: string
  readonly operation: string
  readonly account: string
  readonly region: string
  readonly resources: readonly NamedResource[]
}

export interface NamedResource {
  readonly type: string
  readonly id: string
}

/** What is not named by the scope is in it; a call that names no resource is outside a scope that does. */
export function concerns(fault: Fault, call: CallFacts): boolean {
  const named = ({ type, id }: NamedResource): boolean =>
    (fault.instance === null || (type === 'instance' && id === fault.instance)) &&
    (fault.resource === null || id === fault.resource)
  return (
    (fault.cloud === null || fault.cloud === call.cloud) &&
    (fault.operation === null || fault.operation === call.operation) &&
    (fault.account === null || fault.account === call.account) &&
    (fault.region === null || fault.region === call.region) &&
    ((fault.instance === null && fault.resource === null) || call.resources.some(named))
  )
}
