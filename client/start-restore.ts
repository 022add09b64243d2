/** The one way to start a restore operation, whichever door it came through. */
import type { MigrationBundle } from '../contracts/bundle'
import { failure } from '../contracts/failures'
import { RESTORE_WORKFLOW, type RestoreInput, type RestoreRequest } from '../contracts/restore'
import type { RestorePoint } from '../contracts/restore-point'
import { assertRestorableIn } from './copies-region'
import type { Doors } from './decide'
import { findDatabase, readFleet } from './fleet/read-fleet'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

export interface RestoreQuestion extends RestoreRequest {
  readonly fleetFile: string
  readonly database: string
}

export interface RestoreBundle extends MigrationBundle {
  readonly restore: RestoreRequest
}

/** The bundle of a restore: the fleet entry, and what was asked for. Fails with the codes of the fleet file, DATABASE_UNKNOWN, and OPTION_INVALID for
 *  a moment that is still to come, or a region in which nothing can be restored. */
export async function prepareRestore({ fleetFile, database, ...restore }: RestoreQuestion): Promise<RestoreBundle> {
  const { point } = restore
  assertOver(point)
  const entry = findDatabase(await readFleet(fleetFile), database)
  if (point.kind === 'snapshot') assertRestorableIn(entry, point.region)
  return { version: 1, database: entry, migrations: [], restore }
}

/** Fails with OPTION_INVALID for a moment that is still to come. */
export function assertOver(point: RestorePoint): void {
  if (point.kind === 'moment' && Date.parse(point.at) > Date.now()) {
    const message = `--to is ${point.at}, which is still to come; name a moment that is over.`
    throw failure('OPTION_INVALID', message, { option: 'to', at: point.at })
  }
}

/** Fails as `startOperation` does. */
export function startRestore(
  doors: Doors,
  request: Omit<OperationRequest, 'bundle'> & { bundle: RestoreBundle },
): Promise<StartedOperation> {
  const { database, restore } = request.bundle
  const { name, cloud, environment } = database
  const there = restore.point.kind === 'snapshot' && restore.point.region !== undefined ? ` in ${restore.point.region}` : ''
  return startOperation<RestoreInput>(doors, request, {
    kind: 'restore',
    workflow: RESTORE_WORKFLOW,
    summary: `${request.mode} ${name} (${cloud}, ${environment}): a copy${there}, kept ${restore.keepHours} h`,
    inputOf: (common) => ({ ...common, ...restore }),
  })
}
