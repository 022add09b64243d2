/** Arranges that somebody is told when the old instance's time is over. It outlives the operation, and the id makes a second start harmless. */
import { RETIRE_OLD_WORKFLOW, type RetireOldInput, retirementOfOld } from '../../contracts/old-instance'
import { startAbandoned } from '../kit/abandoned'

export async function arrangeOldRetirement(input: RetireOldInput): Promise<void> {
  const { operation, old, copy, keepHours } = input
  await startAbandoned(RETIRE_OLD_WORKFLOW, {
    workflowId: retirementOfOld(operation),
    input,
    summary: `Tells ${keepHours} h after ${copy.instance} took the place of ${old.instance} that this one may go`,
  })
}
