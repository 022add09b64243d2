import type { FailoverFence, FailoverPlanSummary, FailoverQuestion, Probe, SourceSeen } from '../../contracts/failover'
import type { Cloud } from '../../contracts/fleet'
import type { LockRef } from '../../contracts/lock'
import type { InstanceAddress } from '../../contracts/migrate'
import type { Finding, IsoInstant } from '../../contracts/operation'
import type { StandbySides } from '../../contracts/replicate'
import type { StepRef } from '../../contracts/step-ref'

interface Told {
  /** One line. */
  readonly summary: string
}

export interface FailingOver extends StepRef {
  readonly sides: StandbySides
  /** Of the standby. */
  readonly epoch: number
}

/** On the queue of any cloud. */
export interface ProbeActivities {
  /** A connection, and whether PostgreSQL greets: no password is at hand there. For `patienceMs`, or until it does; `once`: a single time. Changes nothing. */
  probeFrom(input: StepRef & { from: Cloud; address: InstanceAddress; patienceMs: number; once?: boolean }): Promise<Probe>
}

/** On the queue of the source's cloud. */
export interface SourceCloudActivities {
  /** Whatever its state is. Changes nothing. */
  lookAtSource(input: StepRef): Promise<SourceSeen>
}

/** On the queue of those that serve databases. */
export interface FailoverActivities {
  /** Where the source was when something was last planned for it. */
  recallSource(input: StepRef): Promise<SourceSeen>
  /** A login and a statement. For `patienceMs`, or until it is served. Changes nothing. */
  probeAsMigrator(input: StepRef & { address: InstanceAddress; patienceMs: number }): Promise<Probe>
  /** Whether the standby's worker has heard the source since, and what its server meets who connects to the source. Changes nothing. `source` absent: of a run
   *  that began before servers were asked. */
  probeByStandby(
    input: StepRef & { standby: InstanceAddress; source?: InstanceAddress; patienceMs: number; once?: boolean },
  ): Promise<Probe>
  /** What the standby has, what may be lost, and what stands in the way; stores the plan in the ledger. Changes nothing. Fails with STANDBY_UNKNOWN. */
  planFailover(input: StepRef & FailoverQuestion): Promise<FailoverPlanSummary>

  /** Of a source that answers somebody, right before its cloud is told to fence it: a plan goes on without the word of one that is slow. Fails with RESOURCE_NOT_OURS
   *  where it bears the mark that writing has moved away from it. `silent`: a sentence, of one that did not say in time; null: it bears none, or is out of reach.
   *  Changes nothing. */
  refuseMarked(input: StepRef & { sides: StandbySides }): Promise<{ readonly silent: string | null }>
  /** Of a source that lets us in: closes its database with the walsender as a guest, proves that, and waits until the standby has all. `openSource` is its undo,
   *  to be registered before. Fails with PLAN_DRIFTED where the source holds what goes to no standby, FENCE_REFUSED, FENCE_NOT_PROVEN, BARRIER_NOT_PASSED,
   *  DATABASE_UNREACHABLE. An attempt after one that died begins anew. */
  fenceInside(input: FailingOver & { lock: LockRef }): Promise<{ readonly evidence: readonly string[] }>
  /** The undo of `fenceInside`. Safe to repeat, and where nothing was closed: then the source is not asked. `cloudTold`: its cloud was told something as well, and
   *  `liftFence` has to be asked. Fails with RESOURCE_NOT_OURS once the standby is the writer. */
  openSource(input: FailingOver & { lock: LockRef }): Promise<Told & { readonly cloudTold: boolean }>
  /** What came of fencing, for the evidence and for whoever asks later. Safe to repeat. */
  recordFenced(input: StepRef & { fenced: FailoverFence }): Promise<void>
  /** Until the standby's worker has nothing in hand that it received, or there is none. Fails with BARRIER_NOT_PASSED after `drainMsMax`. Changes nothing. */
  awaitApplied(input: FailingOver): Promise<Told>
  /** Behind a fence that was proven at `fencedAt`, with nothing on its way any more: what may be lost by then, held against what was allowed. Where that is more, the
   *  plan in the ledger says so and why somebody has to approve it; else it stays as it is. Safe to repeat, with the same digest. */
  stateLoss(input: FailingOver & { fencedAt: IsoInstant }): Promise<FailoverPlanSummary>

  /** From here on no fence is lifted. Safe to repeat. */
  recordOpening(input: StepRef): Promise<void>
  /** Of a source that was drained: its keyhole says that writing has moved away from it, for whoever comes later. One that does not answer by now is told, and
   *  holds up nobody. Fails with FENCE_NOT_PROVEN where somebody has opened it since. Safe to repeat. */
  markSource(input: FailingOver & { lock: LockRef }): Promise<Told>
  /** The ledger says that there is no standby any more; nothing follows; sequences are set; applications come in. `fencedAt` null: the source is not proven fenced. `views`:
   *  materialized ones, which show what they did when they were filled last. Safe to repeat. */
  openAsWriter(
    input: FailingOver & { fencedAt: IsoInstant | null; drained: boolean },
  ): Promise<
    Told & { lossMsMax: number | null; beatAt: IsoInstant | null; uncarried?: readonly string[]; views?: readonly string[] }
  >
  /** They are filled from what it has. One that cannot be is a finding. Safe to repeat. */
  fillOpenedViews(input: FailingOver & { views: readonly string[] }): Promise<Told & { findings: readonly Finding[] }>
}
