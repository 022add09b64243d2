import type { EndpointState } from '../../contracts/endpoint'
import type { FencePlanSummary } from '../../contracts/fence'
import type { ConfigurationPart } from '../../contracts/instance-configuration'
import type { InstanceAddress } from '../../contracts/migrate'
import type { OldAtCloud } from '../../contracts/old-instance'
import type { IsoInstant, Sha256 } from '../../contracts/operation'
import type { DeltaSummary, PlannedReplacement, ReplacePlanSummary, ReplaceRequest } from '../../contracts/replace'
import type { LookedInto, StepRef } from '../../contracts/step-ref'

/** The very instance that is to take over. */
export interface OfReplacement extends StepRef {
  readonly copy: InstanceAddress
}

/** Of the queue of the database's cloud. */
export interface ReplacementActivities {
  /** Whether the copy can be made and the instance be described; keeps its configuration in the ledger, once. Changes nothing in the cloud. Refuses
   *  as a restore's plan, with RESOURCE_FAILED for an instance that is down and of which nobody says that it is gone, or that is said to be gone and may still serve, and with CLOUD_REFUSED where a
   *  copy could never become production. */
  planReplacement(input: StepRef & ReplaceRequest & { copyStep: string }): Promise<PlannedReplacement>
  /** Puts what was found together, and writes the plan into the ledger. Refuses with FENCE_REFUSED, naming the obstacles, and ENDPOINT_DRIFTED for an
   *  endpoint that leads elsewhere than to the instance. */
  writeReplacementPlan(input: StepRef & { fence: FencePlanSummary | null; endpoint: EndpointState }): Promise<ReplacePlanSummary>
  /** Fails with PLAN_DRIFTED when the instance or how it is set up is another than when it was planned. Changes nothing. */
  assertStillAsPlanned(input: StepRef): Promise<void>
  /** Of one that was said to be gone: where it would answer, as its cloud says; null: it has no address, or there is none. Fails with RESOURCE_FAILED
   *  while it may still serve, PLAN_DRIFTED for another one of its name. */
  findOld(input: StepRef): Promise<InstanceAddress | null>
  /** Polls once; NOT_READY_YET until the parts are as they were captured. What keeps the copy inert stays. */
  applySetUp(
    input: OfReplacement & { parts: readonly ConfigurationPart[] },
  ): Promise<{ restartNeeded: boolean; notCarried: readonly string[] }>
  /** Polls once; NOT_READY_YET until the copy may act as the instance did. It cannot be taken back. */
  letAct(input: OfReplacement): Promise<{ restartNeeded: boolean }>
  /** A repeat may restart it once more. */
  restartReplacement(input: OfReplacement): Promise<void>
  /** NOT_READY_YET, and in the end RESOURCE_FAILED, while anything of the parts is another than it was captured. `inert`: but for what keeps it inert. */
  proveSetUp(input: OfReplacement & { parts: readonly ConfigurationPart[]; inert: boolean }): Promise<void>
  /** Gives the master the password that the fleet file names for it, over the cloud's API. Safe to repeat. Fails with SECRET_UNRESOLVED where this
   *  queue's worker does not hold it. */
  resetMaster(input: OfReplacement): Promise<void>
  /** From here on no step of the operation removes the copy, whoever asks. Safe to repeat. */
  recordTakeover(input: OfReplacement): Promise<void>
  /** Takes the marks of a copy off it, and marks the old instance as replaced. Polls once; NOT_READY_YET until both bear theirs. `unmarked`: why
   *  the old instance could not be marked; null: it was. */
  handOver(input: OfReplacement & { instance: string; instanceId: string }): Promise<{ unmarked: string | null }>
  /** Whether the instance that was replaced is there, by its immutable id, and what its cloud says against removing it. Changes nothing. */
  lookAtOld(input: OfReplacement & { old: InstanceAddress }): Promise<OldAtCloud>
}

/** Of the queue of databases. */
export interface ReplacementDataActivities {
  /** Whether the instance takes a connection. Its refusal is an answer, too. */
  probeOld(input: StepRef & { source: InstanceAddress }): Promise<{ answers: boolean; said: string }>
  /** Takes away what verifying the copy made in it. Safe to repeat. */
  removeProof(input: OfReplacement & LookedInto): Promise<void>
  /** What replacing the instance by the copy would lose, as a document of the ledger, once: a repeat finds the first one. `live` null: it is gone. */
  reportDelta(
    input: OfReplacement & {
      live: InstanceAddress | null
      from: IsoInstant | null
      compareMs: number
      plan: Sha256
    },
  ): Promise<DeltaSummary & { question: Sha256; acts: boolean }>
  /** As `reportDelta`, right before the fence and as a document of its own. Fails with PLAN_DRIFTED where a table or a database came to be since the
   *  report that was approved, unless `acceptLaterWrites`. */
  reportRemainder(
    input: OfReplacement & {
      live: InstanceAddress
      from: IsoInstant | null
      compareMs: number
      acceptLaterWrites: boolean
    },
  ): Promise<{ summary: string; lostRows: number }>
  /** Under the fence: how many rows at most were written since `reportRemainder`, by the server's counters; null: they began anew meanwhile.
   *  `fencedAt`: where the log ends. Fails with PLAN_DRIFTED where a table or a database came to be behind the last list, unless `acceptLaterWrites`. */
  reportWritten(
    input: StepRef & { live: InstanceAddress; fencedAt: string; acceptLaterWrites: boolean },
  ): Promise<{ summary: string; rowsMax: number | null }>
  /** What speaks against the instance that was replaced being closed still, as the operation closed it: each a sentence. Changes nothing. */
  lookIntoOld(input: StepRef & { old: InstanceAddress }): Promise<{ against: readonly string[] }>
  /** Gives the master the password that the fleet file names for it; false where it may not set it by itself. `wasReset`: it was given that over the
   *  cloud's API; NOT_READY_YET until it counts. Safe to repeat. */
  adoptMaster(input: OfReplacement & { wasReset: boolean }): Promise<{ adopted: boolean }>
}
