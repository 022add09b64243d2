import type { StandbyEpochs, StandbySides } from '../../contracts/replicate'
import type { StepRef } from '../../contracts/step-ref'
import type { SwitchoverPlanSummary, SwitchoverQuestion } from '../../contracts/switchover'

export interface Switching extends StepRef {
  readonly sides: StandbySides
  readonly epochs: StandbyEpochs
  /** Of the keyhole of the source. */
  readonly fenceEpoch: number
}

interface Told {
  /** One line. */
  readonly summary: string
}

/** On the queue of those that serve databases. */
export interface SwitchoverActivities {
  /** Asks both sides whether writing can move, and stores the plan in the ledger. Changes nothing. Fails with STANDBY_UNKNOWN where there is none. */
  planSwitchover(input: StepRef & SwitchoverQuestion): Promise<SwitchoverPlanSummary>
  /** What a person would do from here on without us, as SQL with every name filled in, into the ledger. Safe to repeat. */
  writePapers(input: Switching): Promise<Told>
  /** Publication and slot on the standby, and the source's subscription, disabled; applications are kept out of the standby, and its sequences are set as far
   *  as the source has come. Fails with DATABASE_REFUSED naming what is lacking. Safe to repeat. */
  prepareWayBack(input: Switching): Promise<Told>
  /** The undo of `prepareWayBack`: who was kept out of the standby by it comes in again, and who was kept out before stays so. Safe to repeat, and when
   *  nothing was made. */
  dropWayBack(input: Switching): Promise<void>
  /** All that happens while nobody can write: the fence with its guests, its proof, the barrier, the sequences, and the way back, in one attempt, since no
   *  session outlives one. An attempt that died in it left a closed database with nobody inside: what it did is taken back, and it begins anew. Fails with
   *  FENCE_REFUSED, FENCE_NOT_PROVEN, BARRIER_NOT_PASSED, and with PLAN_DRIFTED for what was made since the plan: then `takeBackFence`, which is to be
   *  registered before, lets writers in again, where this attempt has not done so by itself. */
  fenceAndDrain(input: Switching): Promise<Told & { lsn: string; closedMs: number }>
  /** The undo of `fenceAndDrain`: the source is opened, the way back is disabled, the standby follows. Safe to repeat, and where nothing was done. Fails with
   *  RESOURCE_NOT_OURS once the standby is the writer. */
  takeBackFence(input: Switching): Promise<Told>

  /** That all still stands on which writing moves: the source closed but for the workers of the way back, the way there disabled, the way back carrying,
   *  applications kept out of the standby, and all of it still this operation's. Changes nothing. Fails with FENCE_NOT_PROVEN, naming what does not. */
  lookOnceMore(input: Switching): Promise<Told>

  /** From here on no fence is lowered. Before the endpoint moves. Fails with FENCE_NOT_PROVEN where the source is not kept closed by this operation, and with
   *  FENCED_OFF where another one has come since, as after a reset. Safe to repeat. */
  recordMoved(input: Switching): Promise<void>
  /** Puts back who may connect to the standby. Where it was not recorded that writing moves, since a person moved the endpoint, that comes first and fails as `recordMoved`
   *  does. Fails with FENCE_NOT_PROVEN where the source answers and is open to applications. Safe to repeat. */
  openToApplications(input: Switching): Promise<Told>
  /** The old writer is kept from applications as every standby is, and opened to its own roles; a row that is committed on the new one is seen on it. Safe to
   *  repeat. */
  letOldFollow(input: Switching): Promise<Told>
  /** The ledger has the pair the other way round, what the way there was made of is removed, and who watches looks at it so. Safe to repeat. */
  turnStandby(input: Switching & { heartbeatTimeoutMs: number }): Promise<Told>
}
