/** The one way to start an upgrade of an instance by a changed copy. */
import type { MigrationBundle } from '../contracts/bundle'
import { failure } from '../contracts/failures'
import { type UpgradeRequest, upgradeStarter } from '../contracts/upgrade'
import type { Doors } from './decide'
import { findDatabase, readFleet } from './fleet/read-fleet'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

export interface UpgradeQuestion extends UpgradeRequest {
  readonly fleetFile: string
  /** Name of the database in the fleet file. */
  readonly source: string
}

export interface UpgradeBundle extends MigrationBundle {
  readonly upgrade: UpgradeRequest
}

/** Fails with the codes of the fleet file, DATABASE_UNKNOWN, and OPTION_INVALID where nothing is to be changed. */
export async function prepareUpgrade({ fleetFile, source, ...upgrade }: UpgradeQuestion): Promise<UpgradeBundle> {
  const database = findDatabase(await readFleet(fleetFile), source)
  const { engineVersion, parameterGroup, instanceClass } = upgrade
  if (engineVersion === null && parameterGroup === null && instanceClass === null) {
    const message = `There is nothing to change in ${database.name}: give --to-version, --parameter-group or --instance-class.`
    throw failure('OPTION_INVALID', message, { option: 'to-version', database: database.name })
  }
  return { version: 1, migrations: [], database, upgrade }
}

/** Fails as `startOperation` does. */
export function startUpgrade(
  doors: Doors,
  request: Omit<OperationRequest, 'bundle'> & { bundle: UpgradeBundle },
): Promise<StartedOperation> {
  const { database, upgrade } = request.bundle
  return startOperation(doors, request, upgradeStarter(database, upgrade, request.mode))
}
