/** The one way to start a snapshot operation, whichever door it came through. */
import type { MigrationBundle } from '../contracts/bundle'
import type { RetentionPolicy } from '../contracts/generations'
import { snapshotStarter } from '../contracts/snapshot'
import type { Doors } from './decide'
import { findDatabase, readFleet } from './fleet/read-fleet'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

export interface SnapshotQuestion {
  readonly fleetFile: string
  readonly database: string
  /** Instead of the policy's; null: the policy's. */
  readonly retention: RetentionPolicy | null
}

/** The bundle of a snapshot: the fleet entry, with the retention that was asked for as its policy, and no migrations. Fails with the codes of
 *  the fleet file and DATABASE_UNKNOWN. */
export async function prepareSnapshot({ fleetFile, database, retention }: SnapshotQuestion): Promise<MigrationBundle> {
  const entry = findDatabase(await readFleet(fleetFile), database)
  if (retention === null) return { version: 1, database: entry, migrations: [] }
  const { snapshotGenerations: _, ...policy } = entry.policy
  return { version: 1, database: { ...entry, policy: { ...policy, ...retention } }, migrations: [] }
}

/** Fails as `startOperation` does. */
export function startSnapshot(doors: Doors, request: OperationRequest): Promise<StartedOperation> {
  return startOperation(doors, request, snapshotStarter(request.bundle.database, request.mode))
}
