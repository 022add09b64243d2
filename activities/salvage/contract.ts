import type { InstanceAddress } from '../../contracts/migrate'
import type { SalvagePlanned, SalvageSummary } from '../../contracts/salvage'
import type { StepRef } from '../../contracts/step-ref'

/** On the queue of those that serve databases. The bundle's database is the new writer. */
export interface SalvageActivities {
  /** What the ledger says: the old writer is fenced, by a failover that made this one the writer. Begins the report. Changes nothing else. Fails with
   *  FENCE_LIFTED, RESOURCE_NOT_OURS. */
  planSalvage(input: StepRef): Promise<SalvagePlanned>
  /** Every table by its key, in both directions, and one without a key by its whole rows; counts and keys go into the ledger, and no other value. Changes nothing. Safe to repeat. */
  reportRows(input: StepRef & { old: InstanceAddress; writer: InstanceAddress }): Promise<SalvageSummary>
}
