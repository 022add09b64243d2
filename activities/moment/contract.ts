import type { MomentRequest, SearchPlanSummary, SearchResult } from '../../contracts/find-moment'
import type { InstanceAddress } from '../../contracts/migrate'
import type { IsoInstant } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'

/** Served by the cloud's queue. */
export interface SearchActivities {
  /** Whether these moments can be restored, and how many restores it takes; written into the ledger. Changes nothing. Refuses with
   *  MOMENT_OUT_OF_REACH, naming the window, and with CANARY_NOT_INERT as a restore does. */
  planSearch(input: StepRef & { request: MomentRequest }): Promise<SearchPlanSummary>
}

/** Served by the databases' queue. */
export interface PredicateActivities {
  /** Whether the database as it is now could answer; nothing is run. Refuses with OPTION_INVALID. */
  preparePredicate(input: StepRef & { source: InstanceAddress; holds: string }): Promise<void>
  /** Asks the copy, in a read-only transaction. `role`: as whom. Refuses with OPTION_INVALID where it does not answer one boolean. */
  askPredicate(
    input: StepRef & { copy: InstanceAddress; holds: string; at: IsoInstant },
  ): Promise<{ good: boolean; role: string }>
  /** Writes what came of it into the ledger. */
  recordSearch(input: StepRef & { result: SearchResult }): Promise<void>
}
