import type { FailoverFence, FailoverPlanSummary, FailoverQuestion, Probe, SourceSeen } from '../../contracts/failover'
import type { Cloud } from '../../contracts/fleet'
import type { LockRef } from '../../contracts/lock'
import type { InstanceAddress } from '../../contracts/migrate'
import type { IsoInstant } from '../../contracts/operation'
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
  /** A connection, and whether PostgreSQL greets: no password is at hand there. For `patienceMs`, or until it does. Changes nothing. */
  probeFrom(input: StepRef & { from: Cloud; address: InstanceAddress; patienceMs: number }): Promise<Probe>
}

/** What its cloud was told about the source. */
export interface SourceClosing {
  readonly gone: boolean
  readonly stopped: boolean
  /** Its networks let in the control plane alone. */
  readonly shut: boolean
  /** Each a sentence. */
  readonly done: readonly string[]
}

/** On the queue of the source's cloud. */
export interface SourceCloudActivities {
  /** Whatever its state is. Changes nothing. */
  lookAtSource(input: StepRef): Promise<SourceSeen>
  /** Lets in by its networks whom a copy's let in, and nobody else, and stops its server. How it was before is in the ledger first. Polls once; NOT_READY_YET until its cloud says
   *  that it is stopped. Of an instance that is gone it resolves at once. Safe to repeat. `reopenSource` is its undo, to be registered before. */
  closeSource(input: StepRef & { instanceId: string }): Promise<SourceClosing>
  /** Puts back what `closeSource` found. Polls once; NOT_READY_YET until it runs again. Safe to repeat, and where nothing was closed. Fails with RESOURCE_NOT_OURS once
   *  the standby is the writer. */
  reopenSource(input: StepRef & { instanceId: string }): Promise<Told>
}

/** On the queue of those that serve databases. */
export interface FailoverActivities {
  /** Where the source was when something was last planned for it. */
  recallSource(input: StepRef): Promise<SourceSeen>
  /** A login and a statement. For `patienceMs`, or until it is served. Changes nothing. */
  probeAsMigrator(input: StepRef & { address: InstanceAddress; patienceMs: number }): Promise<Probe>
  /** Whether the standby's worker has heard the source since. Changes nothing. */
  probeByStandby(input: StepRef & { standby: InstanceAddress; patienceMs: number }): Promise<Probe>
  /** What the standby has, what may be lost, and what stands in the way; stores the plan in the ledger. Changes nothing. Fails with STANDBY_UNKNOWN. */
  planFailover(input: StepRef & FailoverQuestion): Promise<FailoverPlanSummary>

  /** Of a source that lets us in: closes its database with the walsender as a guest, proves that, and waits until the standby has all. `openSource` is its undo,
   *  to be registered before. Fails with FENCE_REFUSED, FENCE_NOT_PROVEN, BARRIER_NOT_PASSED, DATABASE_UNREACHABLE. An attempt after one that died
   *  begins anew. */
  fenceInside(input: FailingOver & { lock: LockRef }): Promise<{ readonly evidence: readonly string[] }>
  /** The undo of `fenceInside`. Safe to repeat, and where nothing was closed: then the source is not asked. `cloudTold`: its cloud was told something as well, and
   *  `reopenSource` has to be asked. Fails with RESOURCE_NOT_OURS once the standby is the writer. */
  openSource(input: FailingOver & { lock: LockRef }): Promise<Told & { readonly cloudTold: boolean }>
  /** Whether anybody listens where the source was. Changes nothing. */
  judgeSource(
    input: StepRef & { address: InstanceAddress; closing: SourceClosing | null },
  ): Promise<{ readonly proven: boolean; readonly evidence: readonly string[] }>
  /** What came of fencing, for the evidence and for whoever asks later. Safe to repeat. */
  recordFenced(input: StepRef & { fenced: FailoverFence }): Promise<void>
  /** Until the standby's worker has nothing in hand that it received, or there is none. Fails with BARRIER_NOT_PASSED after `drainMsMax`. Changes nothing. */
  awaitApplied(input: FailingOver): Promise<Told>

  /** From here on no fence is lifted. Safe to repeat. */
  recordOpening(input: StepRef): Promise<void>
  /** The ledger says that there is no standby any more; nothing follows; sequences are set; applications come in. `fencedAt` null: the source is not proven fenced. Safe to repeat. */
  openAsWriter(
    input: FailingOver & { fencedAt: IsoInstant | null; drained: boolean },
  ): Promise<Told & { lossMsMax: number | null; beatAt: IsoInstant | null }>
}
