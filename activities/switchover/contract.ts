import type { Finding } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'
import type { Observed, Switching, SwitchoverPlanSummary, SwitchoverQuestion } from '../../contracts/switchover'

export type { Switching }

export interface Watching extends Switching {
  readonly heartbeatTimeoutMs: number
}

interface Told {
  /** One line. */
  readonly summary: string
}

/** Of the time without a writer, in milliseconds each. */
type OutagePart = 'fence' | 'drain' | 'sequences' | 'compare' | 'wayBack' | 'lead'

/** On the queue of those that serve databases. */
export interface SwitchoverActivities {
  /** Asks both sides whether writing can move, and stores the plan in the ledger. Changes nothing. Fails with STANDBY_UNKNOWN where there is none. */
  planSwitchover(input: StepRef & SwitchoverQuestion): Promise<SwitchoverPlanSummary>
  /** The standby's materialized views are filled from what it has. One that cannot be is a finding, and shows what it did before. Safe to repeat. */
  fillViews(input: Switching & { views: readonly string[] }): Promise<Told & { findings: readonly Finding[] }>
  /** What a person would do from here on without us, as SQL with every name filled in, into the ledger. Safe to repeat. */
  writePapers(input: Switching): Promise<Told>
  /** The ledger has the way back, and somebody watches it; then publication and slot on the standby, and the source's subscription, disabled; applications are
   *  kept out of the standby, and its sequences are set as far as the source has come. Where there can be no way back the last two alone. Fails with DATABASE_REFUSED
   *  naming what is lacking, RESOURCE_NOT_OURS once the standby is the writer. Safe to repeat. */
  prepareWayBack(input: Watching): Promise<Told>
  /** The undo of `prepareWayBack`: who was kept out of the standby by it comes in again, and who was kept out before stays so. Safe to repeat, and when
   *  nothing was made. Fails with RESOURCE_NOT_OURS once the standby is the writer. */
  dropWayBack(input: Switching): Promise<void>
  /** What the crossing asks before it shuts anybody out, and what comes behind the fence, timed as far as it can be while others write; nobody is shut out of the source. The standby confirms at once meanwhile, as it would, and
   *  `takeBackFence`, which is to be registered before, puts that back where this did not. Fails with BARRIER_NOT_PASSED where the standby does not follow, PLAN_DRIFTED as `fenceAndDrain`. Safe to repeat. */
  rehearseCrossing(input: Switching): Promise<Told & { predictedOutageMs: number; parts: Readonly<Record<OutagePart, number>> }>
  /** All that happens while nobody can write: the clients of the endpoint held where they can be, the fence with its guests, its proof, the barrier, the sequences, and the way back, or the proof that the source stays closed, in one attempt, since no
   *  session outlives one. An attempt that died in it left a closed database with nobody inside: what it did is taken back, and it begins anew. Fails with
   *  FENCE_REFUSED, FENCE_NOT_PROVEN, BARRIER_NOT_PASSED, and with PLAN_DRIFTED for what was made since the plan: then `takeBackFence`, which is to be
   *  registered before, lets writers in again, where this attempt has not done so by itself. `holds`: as the plan says; then `resumeEndpoint` is to be
   *  registered before, too. Fails with ENDPOINT_REFUSED, and nobody held nor closed out, where transactions do not end in time. */
  fenceAndDrain(input: Switching & { holds: boolean }): Promise<Told & { lsn: string; closedMs: number }>
  /** The undo of `fenceAndDrain`: the source is opened, the way back is disabled, the standby follows. Safe to repeat, and where nothing was done. Fails with
   *  RESOURCE_NOT_OURS once the standby is the writer. */
  takeBackFence(input: Switching): Promise<Told>

  /** That all still stands on which writing moves: the source closed but for the workers of the way back, if there is one, the way there disabled, the way back carrying,
   *  applications kept out of the standby, and all of it still this operation's. Changes nothing. Fails with FENCE_NOT_PROVEN, naming what does not. */
  lookOnceMore(input: Switching): Promise<Told>

  /** From here on no fence is lowered, and the standby is nobody's standby any more: beside the source's fence, in the standby's own database, and in the ledger.
   *  Before the endpoint moves. Safe to repeat. Fails with FENCE_NOT_PROVEN, or RESOURCE_NOT_OURS, where the source was opened meanwhile, and with FENCED_OFF
   *  where another one has come since. A source that does not answer is told and passed over: it is closed. */
  recordMoved(input: Switching): Promise<Told>
  /** Puts back who may connect to the standby. Where `recordMoved` has not done its part, since a person moved the endpoint, that comes first and fails as
   *  `recordMoved` does. Fails with FENCE_NOT_PROVEN where the source answers and is open to applications. Safe to repeat. */
  openToApplications(input: Switching): Promise<Told>
  /** The old writer is kept from applications as every standby is, and opened to its own roles; a row that is committed on the new one is seen on it, and the
   *  ledger says that it follows. Safe to repeat. Fails with RESOURCE_NOT_OURS where writing has not moved, STANDBY_CHANGED where the slot was dropped meanwhile;
   *  an old writer that is away is tried again by whoever asks. */
  letOldFollow(input: Switching): Promise<Told>
  /** What the way there was made of is removed, and what the new writer gets from elsewhere comes along from then on. Safe to repeat. Fails as `letOldFollow`. */
  turnStandby(input: Watching): Promise<Told>
  /** In the place of both where there is no way back: the old writer stays closed and bears the mark that writing has moved, and what the way there was made of is removed
   *  as far as a closed database lets that be. Safe to repeat. Fails with RESOURCE_NOT_OURS where writing has not moved, FENCE_NOT_PROVEN where somebody opened it
   *  since. */
  leaveOldClosed(input: Switching): Promise<Told>
  /** Looks at the new writer every few seconds for `forMs`, and at what is known of the old one. `seen`: before this call; null: it is the first. Changes nothing, and what does
   *  not answer is a finding. Safe to repeat. */
  observeWriter(
    input: Switching & { seen: Observed | null; forMs: number },
  ): Promise<{ seen: Observed; findings: readonly Finding[] }>
}
