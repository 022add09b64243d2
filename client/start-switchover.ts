/** The one way to start a switchover, whichever door it came through. A pair is declared once, at the database that was its first writer; the same declaration
 *  moves writing there and back. */
import type { MigrationBundle } from '../contracts/bundle'
import { failure } from '../contracts/failures'
import type { DatabaseEntry, DeclaredStandby } from '../contracts/fleet'
import { type SwitchoverRequest, switchoverStarter } from '../contracts/switchover'
import type { Doors } from './decide'
import { findDatabase, type LoadedFleet, readFleet } from './fleet/read-fleet'
import { backward, endpointOfPair, turned } from './fleet/turned'
import { cutInput, shownInput } from './shown-input'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

export interface SwitchoverQuestion {
  readonly fleetFile: string
  /** That is written to now, by its name in the fleet file. */
  readonly source: string
  /** Null: the only one that it can be. */
  readonly standby: string | null
  readonly rehearse: boolean
  /** Why writing moves though there can be no way back; null: only with one. */
  readonly oneWay: string | null
  readonly drainMsMax: number
  readonly compareMsMax: number
  /** 0: not at all. */
  readonly observeMs: number
}

export interface SwitchoverBundle extends MigrationBundle {
  readonly switchover: SwitchoverRequest
}

/** Fails with the codes of the fleet file, DATABASE_UNKNOWN, and OPTION_INVALID where no such pair is declared. */
export async function prepareSwitchover({
  fleetFile,
  source,
  standby,
  rehearse,
  oneWay,
  drainMsMax,
  compareMsMax,
  observeMs,
}: SwitchoverQuestion): Promise<SwitchoverBundle> {
  const fleet = await readFleet(fleetFile)
  const database = findDatabase(fleet, source)
  const { other, declared, back } = pairOf(fleet, database, standby)
  const endpoint = endpointOfPair(database, other)
  return {
    ...{ version: 1, migrations: [] },
    database: endpoint === undefined ? database : { ...database, endpoint },
    switchover: {
      ...{ standby: other, declared, back, rehearse, drainMsMax, compareMsMax },
      ...(oneWay === null ? {} : { oneWay }),
      ...(observeMs === 0 ? {} : { observeMs }),
    },
  }
}

interface DeclaredPair {
  readonly other: DatabaseEntry
  readonly declared: DeclaredStandby
  readonly back: DeclaredStandby | null
}

function pairOf(fleet: LoadedFleet, source: DatabaseEntry, wanted: string | null): DeclaredPair {
  if (wanted !== null) findDatabase(fleet, wanted)
  const pairs = [...onward(fleet, source), ...backward(fleet, source)]
  const fitting = pairs.filter(({ other }) => wanted === null || other.name === wanted)
  const [only, another] = fitting
  if (only === undefined) throw noPair(fleet, source, wanted)
  if (another === undefined) return only
  const message = `Writing of ${source.name} may move to several; name one with --to: ${fitting.map(({ other }) => other.name).join(', ')}.`
  throw failure('OPTION_INVALID', message, { option: 'to', database: source.name })
}

function noPair(fleet: LoadedFleet, { name }: DatabaseEntry, wanted: string | null): Error {
  const first = fleet.databases.find(
    (one) => (wanted === null || one.name === wanted) && one.standbys?.some(({ database }) => database === name),
  )
  const standby = wanted === null ? {} : { standby: cutInput(wanted) }
  const facts = { option: 'to', database: name, ...standby }
  if (first !== undefined) {
    const message = `${name} follows ${first.name}, which declares no "wayBack" with it: writing moves to ${first.name} once it does, as docs/fleet-file.md has it.`
    return failure('OPTION_INVALID', message, facts)
  }
  const asked =
    wanted === null
      ? `${name} neither declares a standby nor is one`
      : `--to is ${shownInput(wanted)}, and neither declares the other as its standby`
  return failure('OPTION_INVALID', `${asked}: add "standbys" to the entry of either, as docs/fleet-file.md has it.`, facts)
}

function onward(fleet: LoadedFleet, source: DatabaseEntry): DeclaredPair[] {
  const { standbys = [] } = source
  return standbys.map((declared) => ({ other: findDatabase(fleet, declared.database), declared, back: turned(source, declared) }))
}

/** Fails as `startOperation` does. */
export function startSwitchover(
  doors: Doors,
  request: Omit<OperationRequest, 'bundle'> & { bundle: SwitchoverBundle },
): Promise<StartedOperation> {
  const { database, switchover } = request.bundle
  return startOperation(doors, request, switchoverStarter(database, switchover, request.mode))
}
