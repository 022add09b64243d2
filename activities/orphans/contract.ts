import type { FailureRecord, IsoInstant, OperationId } from '../../contracts/operation'
import type { CopyStanding, Orphans, OrphansInput, PlaceId, TemporaryInstance } from '../../contracts/orphans'

type Asked = Pick<OrphansInput, 'bundle' | 'named'>

export interface OrphanActivities {
  /** Every instance of the account and region (on Azure: of the resource groups) that is named as operations name what they make for a while. Reads
   *  only. Fails with ACCOUNT_MISMATCH when the worker's credentials are another account's. */
  listTemporary(input: Asked): Promise<readonly TemporaryInstance[]>
  /** Removes an orphan with what was made for it, and writes it down. Asks cloud, ledger and Temporal again right before: whatever is none by then
   *  stays, and its standing is returned. NOT_READY_YET until it is gone. Safe to repeat: one that is gone, or was replaced, is a success. */
  removeOrphan(input: Asked & Pick<TemporaryInstance, 'name' | 'instanceId'> & { operation: OperationId }): Promise<{
    removed: boolean
    standing: CopyStanding
  }>
}

export interface SweepActivities {
  /** Ids of the instances that the run before this one found to be orphans. A repeat after `recordSweep` of the same run would find that one's own:
   *  the workflow asks first. */
  recallSweep(input: { place: PlaceId }): Promise<{ orphans: readonly string[] }>
  /** Safe to repeat: since when each is there as it is follows from what was recorded before, the same run's own too. */
  recordSweep(input: {
    place: PlaceId
    run: string
    at: IsoInstant
    /** Why nothing could be listed, or what was. */
    outcome: { readonly failure: FailureRecord } | Orphans
  }): Promise<void>
}
