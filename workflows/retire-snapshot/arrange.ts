/** Arranges a snapshot's retirement. It outlives the operation, and the id makes a second start harmless. */
import { RETIRE_SNAPSHOT_WORKFLOW, type RetireSnapshotInput } from '../../contracts/migrate'
import { startAbandoned } from '../kit/abandoned'

export async function arrangeRetirement(input: RetireSnapshotInput): Promise<void> {
  const { operation, cloud = 'aws', bundle, snapshot, region, retentionHours, heartbeatTimeoutMs } = input
  const place = region === undefined ? {} : { region }
  const retirement: RetireSnapshotInput = { operation, cloud, bundle, snapshot, ...place, retentionHours, heartbeatTimeoutMs }
  await startAbandoned(RETIRE_SNAPSHOT_WORKFLOW, {
    workflowId: `retire/${snapshot}`,
    input: retirement,
    summary: `Removes ${snapshot} after ${retentionHours} h`,
  })
}
