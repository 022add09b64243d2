import type { InstanceAddress } from '../../contracts/migrate'
import type { StepRef } from '../../contracts/step-ref'
import type {
  CloudOfBlue,
  Green,
  GreenProven,
  PlacesNow,
  SwitchEnd,
  UpgradePlanSummary,
  UpgradeProven,
  UpgradeQuestion,
} from '../../contracts/upgrade'

interface Told {
  /** One line. */
  readonly summary: string
}

export interface BlueAndGreen extends StepRef {
  readonly blue: InstanceAddress
  readonly green: InstanceAddress
}

export interface Proving extends BlueAndGreen {
  readonly epoch: number
  readonly places: PlacesNow
}

/** On the queue of the instance's cloud. */
export interface UpgradeActivities {
  /** Where the instance answers, and what stands in the way by the cloud's own word; NOT_READY_YET while it is changing. Changes nothing. */
  lookAtBlue(input: StepRef): Promise<CloudOfBlue>
  /** Has the cloud make a changed copy that follows. Safe to repeat: adopts what an attempt before has begun. */
  startGreen(input: StepRef & { blue: InstanceAddress }): Promise<void>
  /** Polls once; NOT_READY_YET until green is there and follows. Fails with RESOURCE_FAILED where it never will. */
  awaitGreen(input: StepRef): Promise<Green>
  /** Has the cloud switch over, having written down first that it may have. Safe to repeat: adopts what an attempt before has begun. `refused`: by the cloud, outright; of
   *  an attempt after one that may have told it that proves nothing, and is NOT_READY_YET. */
  beginSwitch(input: StepRef): Promise<{ readonly refused: string | null }>
  /** Polls once; NOT_READY_YET until the cloud has brought it to an end, one way or the other. Changes nothing. */
  awaitSwitch(input: BlueAndGreen): Promise<SwitchEnd>
  /** Which instance bears the name by now, by what neither loses by a new one, and which is the other. NOT_READY_YET while the cloud is at it. Changes nothing. */
  placesNow(input: BlueAndGreen): Promise<PlacesNow>
  /** Removes the deployment, with green where it has not taken over; polls until nothing of that is there any more. Safe to repeat, and where nothing was made.
   *  `took-over`, of one that was told to (`afterCall`) and is not what it was said to be: nothing was removed. */
  removeDeployment(input: StepRef & { readonly withGreen: boolean; readonly afterCall?: boolean }): Promise<'gone' | 'took-over'>
}

/** On the queue of those that serve databases. */
export interface UpgradeDataActivities {
  /** Asks the database what would stand in the way, and stores the plan in the ledger. Changes nothing. */
  planUpgrade(input: StepRef & UpgradeQuestion): Promise<UpgradePlanSummary>
  /** Holds green against blue: whether it follows, its version, schema, settings, and the rows that change most. Changes nothing in either. */
  proveGreen(input: BlueAndGreen & { plan: string }): Promise<GreenProven>
  /** Raises the row of who may act in blue, and waits until green shows it. Fails with BARRIER_NOT_PASSED after `followMsMax` of the request. Safe to repeat. */
  markBlue(input: BlueAndGreen & { epoch: number }): Promise<Told>
  /** Which of both takes writes, by their own word; each is asked to take one, which is not kept. Fails with NOT_READY_YET while they do not agree with the cloud, and with
   *  FENCE_NOT_PROVEN where both take writes, or the writer lacks the mark. */
  proveUpgraded(input: Proving): Promise<UpgradeProven>
  /** Whether the writer takes writes still, and what it has committed meanwhile. Nothing of it is kept. */
  watchWriter(input: Proving): Promise<Told>
}
