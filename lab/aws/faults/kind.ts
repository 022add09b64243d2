/** What a kind of fault does in simulated RDS. A kind is one file beside this one and one entry of table.ts; each hook that it has
 *  is called at its own moment of a call's life. */
import type { Fault } from '../../faults/fault'
import type { FaultKind } from '../../faults/kind'
import type { AwsCloud } from '../cloud'
import type { AwsError } from '../errors'
import type { AwsState, DbInstance } from '../state'

export interface AwsFaultKind extends FaultKind {
  /** Before the operation acts: the error that is answered instead, or nothing, and it acts. */
  readonly before?: (fault: Fault) => AwsError | undefined
  /** The state that a question is answered from. */
  readonly sees?: (fault: Fault, cloud: AwsCloud) => AwsState
  /** Whether an instance that says `available` refuses a change. */
  readonly keepsBusy?: (fault: Fault, instance: DbInstance, now: number) => boolean
  /** What the operation promises will not come to pass. */
  readonly failsPromise?: true
  /** It acts, but the answer does not get through. */
  readonly dropsAnswer?: true
  /** What is done to an instance. */
  readonly effect?: InstanceEffect
}

export interface InstanceEffect {
  begin(cloud: AwsCloud, instance: DbInstance): Promise<void>
  /** Repeated as long as it lasts. */
  hold?(cloud: AwsCloud, instance: DbInstance): Promise<void>
  /** Absent: over as soon as it has begun. */
  end?(cloud: AwsCloud, instance: DbInstance): Promise<void>
}

/** Of a kind that strikes instances. */
export const INSTANCES = { strikes: 'instances', operations: null, times: 1, takesDelay: true, settings: {} } as const

/** Of a kind that strikes calls. */
export const CALLS = { strikes: 'calls', operations: null, times: 1, takesDelay: true, settings: {} } as const
