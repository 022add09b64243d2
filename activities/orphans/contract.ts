import type { OperationId, Sha256 } from '../../contracts/operation'
import type { CopyStanding, TemporaryInstance } from '../../contracts/orphans'

export interface OrphanActivities {
  /** Every instance of the account and region (on Azure: of the resource groups) that is named as operations name what they make for a while. Reads
   *  only. */
  listTemporary(input: { bundle: Sha256 }): Promise<readonly TemporaryInstance[]>
  /** Removes an orphan with what was made for it, and writes it down. Asks cloud and ledger again right before: whatever is none by then stays, and
   *  its standing is returned. NOT_READY_YET until it is gone. Safe to repeat: one that is gone, or was replaced, is a success. */
  removeOrphan(input: { bundle: Sha256 } & Pick<TemporaryInstance, 'name' | 'instanceId'> & { operation: OperationId }): Promise<{
    removed: boolean
    standing: CopyStanding
  }>
}
