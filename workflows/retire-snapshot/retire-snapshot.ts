/** Removes what may go once a snapshot's retention is over. It outlives the operation that took the snapshot, on purpose: what a rescue
 *  would need is never taken back by an undo. The last good snapshot of an instance stays: the next one's expiry removes it. */
import { continueAsNew, proxyActivities, sleep } from '@temporalio/workflow'
import type { SnapshotActivities } from '../../activities/snapshot/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { RetireSnapshotInput } from '../../contracts/migrate'
import type { SnapshotStanding } from '../../contracts/snapshot'
import { patient } from '../kit/patience'
import { quickAct } from '../kit/proxies'

const HOUR_MS = 3_600_000
/** The tag's instant was taken a moment after this workflow began to wait, and clocks differ. */
const LATENESS_MS = 1_000

/** Resolves to what became of the snapshot. */
export async function retireSnapshot(input: RetireSnapshotInput): Promise<SnapshotStanding | 'gone'> {
  const { operation, cloud = 'aws', bundle, snapshot, region, heartbeatTimeoutMs, carriedOn = false } = input
  const place = region === undefined ? {} : { region }
  const { expireSnapshot } = proxyActivities<SnapshotActivities>(quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs))
  const ask = patient({ carriedOn, carryOn: () => continueAsNew<typeof retireSnapshot>({ ...input, carriedOn: true }) })
  if (!carriedOn) await sleep(input.retentionHours * HOUR_MS)
  for (;;) {
    const { dueAt, standing } = await ask(() =>
      expireSnapshot({ operation, step: 'retire-snapshot', bundle, ...place, snapshot, now: new Date().toISOString() }),
    )
    if (dueAt === null) return standing
    // Somebody may have written a later instant to its tag.
    await sleep(Math.max(0, Date.parse(dueAt) - Date.now()) + LATENESS_MS)
  }
}
