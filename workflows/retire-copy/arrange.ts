/** Arranges the removal of a restored copy. It outlives the operation, and the id makes a second start harmless. */
import { RETIRE_COPY_WORKFLOW, type RetireCopyInput, retirementOf } from '../../contracts/restore'
import { startAbandoned } from '../kit/abandoned'

export async function arrangeCopyRetirement(input: RetireCopyInput): Promise<void> {
  const { operation, cloud, bundle, copy, keepHours, heartbeatTimeoutMs } = input
  const retirement: RetireCopyInput = { operation, cloud, bundle, copy, keepHours, heartbeatTimeoutMs }
  await startAbandoned(RETIRE_COPY_WORKFLOW, {
    workflowId: retirementOf(copy),
    input: retirement,
    summary: `Removes ${copy} ${keepHours} h after ${operation} has ended`,
  })
}
