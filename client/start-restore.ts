/** The one way to start a restore operation, whichever door it came through. */
import type { MigrationBundle } from '../contracts/bundle'
import { failure } from '../contracts/failures'
import { RESTORE_WORKFLOW, type RestoreInput, type RestoreRequest } from '../contracts/restore'
import type { RestorePoint } from '../contracts/restore-point'
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
 *  a moment that is still to come. */
export async function prepareRestore({ fleetFile, database, ...restore }: RestoreQuestion): Promise<RestoreBundle> {
  assertOver(restore.point)
  return { version: 1, database: findDatabase(await readFleet(fleetFile), database), migrations: [], restore }
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
  return startOperation<RestoreInput>(doors, request, {
    kind: 'restore',
    workflow: RESTORE_WORKFLOW,
    summary: `${request.mode} ${name} (${cloud}, ${environment}): a copy, kept ${restore.keepHours} h`,
    inputOf: (common) => ({ ...common, ...restore }),
  })
}
