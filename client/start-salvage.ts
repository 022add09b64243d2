/** The one way to start a salvage, whichever door it came through. */
import type { MigrationBundle } from '../contracts/bundle'
import { failure } from '../contracts/failures'
import { atItsAddress } from '../contracts/fleet'
import { type SalvageRequest, salvageStarter } from '../contracts/salvage'
import type { Doors } from './decide'
import { findDatabase, readFleet } from './fleet/read-fleet'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

export interface SalvageQuestion extends Omit<SalvageRequest, 'old'> {
  readonly fleetFile: string
  /** That was given up, by its name in the fleet file. */
  readonly old: string
  /** By its name there: never guessed. */
  readonly writer: string
}

export interface SalvageBundle extends MigrationBundle {
  readonly salvage: SalvageRequest
}

/** Fails with the codes of the fleet file, DATABASE_UNKNOWN, and OPTION_INVALID where both are one. */
export async function prepareSalvage({ fleetFile, old, writer, ...asked }: SalvageQuestion): Promise<SalvageBundle> {
  const fleet = await readFleet(fleetFile)
  const [given, into] = [findDatabase(fleet, old), findDatabase(fleet, writer)]
  if (given.name === into.name) {
    const message = `--into is ${into.name}, which was given up itself: name the database that is the writer since the failover.`
    throw failure('OPTION_INVALID', message, { option: 'into', database: into.name })
  }
  // a name may lead to the other one by now
  return { version: 1, database: atItsAddress(into), migrations: [], salvage: { old: atItsAddress(given), ...asked } }
}

/** Fails as `startOperation` does. */
export function startSalvage(
  doors: Doors,
  request: Omit<OperationRequest, 'bundle'> & { bundle: SalvageBundle },
): Promise<StartedOperation> {
  const { database, salvage } = request.bundle
  return startOperation(doors, request, salvageStarter(database, salvage, request.mode))
}
