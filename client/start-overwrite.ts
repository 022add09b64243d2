/** The one way to start the operation that overwrites an instance with a snapshot of its own. */
import type { MigrationBundle } from '../contracts/bundle'
import { OVERWRITE_WORKFLOW, type OverwriteInput, type OverwriteRequest } from '../contracts/overwrite'
import type { Doors } from './decide'
import { findDatabase, readFleet } from './fleet/read-fleet'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

export interface OverwriteQuestion extends OverwriteRequest {
  readonly fleetFile: string
  readonly database: string
}

export interface OverwriteBundle extends MigrationBundle {
  readonly overwrite: OverwriteRequest
}

/** Fails with the codes of the fleet file, and DATABASE_UNKNOWN. */
export async function prepareOverwrite({ fleetFile, database, ...overwrite }: OverwriteQuestion): Promise<OverwriteBundle> {
  return { version: 1, database: findDatabase(await readFleet(fleetFile), database), migrations: [], overwrite }
}

/** Fails as `startOperation` does. */
export function startOverwrite(
  doors: Doors,
  request: Omit<OperationRequest, 'bundle'> & { bundle: OverwriteBundle },
): Promise<StartedOperation> {
  const { database, overwrite } = request.bundle
  const { name, cloud, environment } = database
  return startOperation<OverwriteInput>(doors, request, {
    kind: 'overwrite',
    workflow: OVERWRITE_WORKFLOW,
    summary: `${request.mode} ${name} (${cloud}, ${environment}): overwritten with ${overwrite.snapshot}`,
    inputOf: (common) => ({ ...common, ...overwrite }),
  })
}
