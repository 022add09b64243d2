/** The one way to start the operation by which a restored copy takes its instance's place. */
import type { MigrationBundle } from '../contracts/bundle'
import { endpointQueue } from '../contracts/endpoint'
import { REPLACE_WORKFLOW, type ReplaceInput, type ReplaceRequest } from '../contracts/replace'
import type { Doors } from './decide'
import { findDatabase, readFleet } from './fleet/read-fleet'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'
import { assertOver } from './start-restore'

export interface ReplaceQuestion extends ReplaceRequest {
  readonly fleetFile: string
  readonly database: string
}

export interface ReplaceBundle extends MigrationBundle {
  readonly replace: ReplaceRequest
}

/** Fails as `prepareRestore` does. */
export async function prepareReplace({ fleetFile, database, ...replace }: ReplaceQuestion): Promise<ReplaceBundle> {
  assertOver(replace.point)
  return { version: 1, database: findDatabase(await readFleet(fleetFile), database), migrations: [], replace }
}

/** Fails as `startOperation` does. */
export function startReplace(
  doors: Doors,
  request: Omit<OperationRequest, 'bundle'> & { bundle: ReplaceBundle },
): Promise<StartedOperation> {
  const { database, replace } = request.bundle
  const { name, cloud, environment, endpoint } = database
  return startOperation<ReplaceInput>(doors, request, {
    kind: 'replace',
    workflow: REPLACE_WORKFLOW,
    summary: `${request.mode} ${name} (${cloud}, ${environment}): a restored copy in its place`,
    inputOf: (common) => ({ ...common, ...replace, endpointOn: endpointQueue(endpoint) }),
  })
}
