/** One run by the clock of a place: lists what is there, removes the orphans that the run before this one had found already, and writes down what it came to.
 *  Nobody reads a list in between, so that time takes a reader's place: whoever wants to keep what a run has found has until the next one. */
import { isCancellation, proxyActivities, workflowInfo } from '@temporalio/workflow'
import type { SweepActivities } from '../../activities/orphans/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { Orphans, SweepInput } from '../../contracts/orphans'
import { failureRecord, isDefect } from '../kit/failures'
import { quickAct } from '../kit/proxies'
import { listAndRemove } from './orphans'

/** What failed is in the record too, and fails the run. */
export async function sweepOrphans(input: SweepInput): Promise<void> {
  const { place, heartbeatTimeoutMs } = input
  const ledger = proxyActivities<SweepActivities>(quickAct(TASK_QUEUES.control, heartbeatTimeoutMs))
  const run = { place, run: workflowInfo().workflowId, at: new Date().toISOString() }
  const before = new Set((await ledger.recallSweep({ place })).orphans)
  let outcome: Orphans
  try {
    outcome = await listAndRemove(input, ({ instanceId }) => before.has(instanceId))
  } catch (error) {
    if (isDefect(error) || isCancellation(error)) throw error
    await ledger.recordSweep({ ...run, outcome: { failure: failureRecord(error) } })
    throw error
  }
  await ledger.recordSweep({ ...run, outcome })
}
