/** The one way to start a snapshot operation, whichever door it came through. */
import type { MigrationBundle } from '../contracts/bundle'
import { SNAPSHOT_WORKFLOW, type SnapshotInput } from '../contracts/snapshot'
import type { Doors } from './decide'
import { findDatabase, readFleet } from './fleet/read-fleet'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

export interface SnapshotQuestion {
  readonly fleetFile: string
  readonly database: string
  /** Instead of the policy's; null: the policy's. */
  readonly retentionHours: number | null
}

/** The bundle of a snapshot: the fleet entry, with the retention that was asked for as its policy, and no migrations. Fails with the codes of
 *  the fleet file and DATABASE_UNKNOWN. */
export async function prepareSnapshot({ fleetFile, database, retentionHours }: SnapshotQuestion): Promise<MigrationBundle> {
  const entry = findDatabase(await readFleet(fleetFile), database)
  const snapshotRetentionHours = retentionHours ?? entry.policy.snapshotRetentionHours
  return { version: 1, database: { ...entry, policy: { ...entry.policy, snapshotRetentionHours } }, migrations: [] }
}

/** Fails as `startOperation` does. */
export function startSnapshot(doors: Doors, request: OperationRequest): Promise<StartedOperation> {
  const { name, cloud, environment, policy } = request.bundle.database
  const retentionHours = policy.snapshotRetentionHours
  return startOperation<SnapshotInput>(doors, request, {
    kind: 'snapshot',
    workflow: SNAPSHOT_WORKFLOW,
    summary: `${request.mode} ${name} (${cloud}, ${environment}): kept ${retentionHours} h`,
    inputOf: (common) => ({ ...common, retentionHours }),
  })
}
