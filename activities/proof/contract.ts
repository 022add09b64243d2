import type { InstanceAddress } from '../../contracts/migrate'
import type { OperationId } from '../../contracts/operation'
import type { ManifestSummary } from '../../contracts/snapshot'
import type { StepRef } from '../../contracts/step-ref'

/** On the queue of those that serve databases. */
export interface ManifestActivities {
  /** Reads what the database of the bundle holds, before or after the snapshot that `snapshotStep` takes, into the ledger's `manifest-before` or
   *  `manifest-after`. Reads only. Taken once: a repeat keeps what there is, and none is taken as of before once the snapshot was begun. */
  takeManifest(
    input: StepRef & { target: InstanceAddress; snapshotStep: string; which: 'before' | 'after' },
  ): Promise<ManifestSummary>
  /** Reads what the database of the bundle holds by now of what the first manifest of `since` tells, into the ledger's `manifest-after`. Reads
   *  only. Taken once. */
  takeManifestSince(input: StepRef & { target: InstanceAddress; since: OperationId }): Promise<ManifestSummary>
}
