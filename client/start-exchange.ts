/** The one way to start an exchange of an instance with its read replica. A pair is declared once, at the database that was its first writer; the same declaration
 *  moves writing there and back. */
import type { MigrationBundle } from '../contracts/bundle'
import { type ExchangeRequest, exchangeStarter, type TakeOverRequest } from '../contracts/exchange'
import { failure } from '../contracts/failures'
import type { Cloud, DatabaseEntry } from '../contracts/fleet'
import type { Doors } from './decide'
import { findDatabase, type LoadedFleet, readFleet } from './fleet/read-fleet'
import { backward } from './fleet/turned'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

export interface ExchangeQuestion {
  readonly fleetFile: string
  /** That is written to now, by its name in the fleet file. */
  readonly source: string
  /** Null: the only one that it can be. */
  readonly standby: string | null
  readonly followMsMax: number
}

export interface TakeOverQuestion {
  readonly fleetFile: string
  /** That was written to, by its name in the fleet file. */
  readonly source: string
  readonly standby: string
  readonly takeOver: TakeOverRequest
}

export interface ExchangeBundle extends MigrationBundle {
  readonly exchange: ExchangeRequest
}

/** Null: no such pair is declared. Fails with the codes of the fleet file, DATABASE_UNKNOWN, and OPTION_INVALID where it could be one of several. */
export async function prepareExchange({
  fleetFile,
  source,
  standby,
  followMsMax,
}: ExchangeQuestion): Promise<ExchangeBundle | null> {
  const fleet = await readFleet(fleetFile)
  const database = findDatabase(fleet, source)
  const other = otherOf(fleet, database, standby)
  return other === null ? null : bundleOf(database, { standby: other, followMsMax })
}

/** Null: no such pair is declared. `clouds`: of the fleet's databases, whose workers probe. Fails with the codes of the fleet file, and DATABASE_UNKNOWN. */
export async function prepareTakeOver({
  fleetFile,
  source,
  standby,
  takeOver,
}: TakeOverQuestion): Promise<{ readonly bundle: ExchangeBundle; readonly clouds: readonly Cloud[] } | null> {
  const fleet = await readFleet(fleetFile)
  const database = findDatabase(fleet, source)
  const other = otherOf(fleet, database, findDatabase(fleet, standby).name)
  if (other === null) return null
  return {
    bundle: bundleOf(database, { standby: other, followMsMax: 0, takeOver }),
    clouds: [...new Set(fleet.databases.map(({ cloud }) => cloud))].sort(),
  }
}

/** What applications write through is the pair's, and a replica declares none. */
function bundleOf(database: DatabaseEntry, exchange: ExchangeRequest): ExchangeBundle {
  const { endpoint = exchange.standby.endpoint } = database
  return {
    ...{ version: 1, migrations: [] },
    database: endpoint === undefined ? database : { ...database, endpoint },
    exchange,
  }
}

function otherOf(fleet: LoadedFleet, source: DatabaseEntry, wanted: string | null): DatabaseEntry | null {
  const pairs = [
    ...(source.replicas ?? []).map((name) => findDatabase(fleet, name)),
    ...fleet.databases.filter(({ replicas }) => replicas?.includes(source.name)),
  ]
  const [only, another] = pairs.filter(({ name }) => wanted === null || name === wanted)
  if (only === undefined) return null
  const others = [
    ...(source.standbys ?? []).map(({ database }) => database),
    ...backward(fleet, source).map(({ other }) => other.name),
  ]
  if (another === undefined && (wanted !== null || others.length === 0)) return only
  const all = [...pairs.map(({ name }) => name), ...others].join(', ')
  throw failure('OPTION_INVALID', `Writing of ${source.name} may move to several; name one with --to: ${all}.`, {
    option: 'to',
    database: source.name,
  })
}

/** Fails as `startOperation` does. */
export function startExchange(
  doors: Doors,
  { clouds = [], ...request }: Omit<OperationRequest, 'bundle'> & { bundle: ExchangeBundle; clouds?: readonly Cloud[] },
): Promise<StartedOperation> {
  const { database, exchange } = request.bundle
  return startOperation(doors, request, exchangeStarter(database, exchange, request.mode, clouds))
}
