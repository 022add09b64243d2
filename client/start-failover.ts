/** The one way to start a failover, whichever door it came through. */
import type { MigrationBundle } from '../contracts/bundle'
import { type FailoverRequest, failoverStarter } from '../contracts/failover'
import { failure } from '../contracts/failures'
import type { Cloud, DatabaseEntry, DeclaredStandby } from '../contracts/fleet'
import type { Doors } from './decide'
import { findDatabase, readFleet } from './fleet/read-fleet'
import { endpointOfPair, turned } from './fleet/turned'
import { shownInput } from './shown-input'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

export interface FailoverQuestion extends Omit<FailoverRequest, 'standby' | 'declared'> {
  readonly fleetFile: string
  /** That was written to, by its name in the fleet file. */
  readonly source: string
  /** By its name there: never guessed. */
  readonly standby: string
}

export interface FailoverBundle extends MigrationBundle {
  readonly failover: FailoverRequest
}

export interface PreparedFailover {
  readonly bundle: FailoverBundle
  /** Of the fleet's databases: their workers probe. */
  readonly clouds: readonly Cloud[]
}

/** Fails with the codes of the fleet file, DATABASE_UNKNOWN, and OPTION_INVALID where no such pair is declared. */
export async function prepareFailover({ fleetFile, source, standby, ...asked }: FailoverQuestion): Promise<PreparedFailover> {
  const fleet = await readFleet(fleetFile)
  const database = findDatabase(fleet, source)
  const other = findDatabase(fleet, standby)
  const declared = declaredOf(database, other)
  const endpoint = endpointOfPair(database, other)
  return {
    bundle: {
      ...{ version: 1, migrations: [] },
      database: endpoint === undefined ? database : { ...database, endpoint },
      failover: { standby: other, declared, ...asked },
    },
    clouds: [...new Set(fleet.databases.map(({ cloud }) => cloud))].sort(),
  }
}

/** As the source declares it, or as it was declared when the other one was the writer. */
function declaredOf(source: DatabaseEntry, other: DatabaseEntry): DeclaredStandby {
  const onward = source.standbys?.find(({ database }) => database === other.name)
  if (onward !== undefined) return onward
  const back = other.standbys?.find(({ database }) => database === source.name)
  const declared = back === undefined ? null : turned(other, back)
  if (declared !== null) return declared
  const message = `--to is ${shownInput(other.name)}, and ${source.name} neither declares it as its standby nor follows it with a "wayBack": see docs/fleet-file.md.`
  throw failure('OPTION_INVALID', message, { option: 'to', database: source.name })
}

/** Fails as `startOperation` does. */
export function startFailover(
  doors: Doors,
  request: Omit<OperationRequest, 'bundle'> & PreparedFailover,
): Promise<StartedOperation> {
  const { bundle, clouds, ...asked } = request
  const { database, failover } = bundle
  return startOperation(doors, { ...asked, bundle }, failoverStarter(database, failover, clouds, request.mode))
}
