/** Both sides of a switchover, each at the address that its cloud gives: the fleet file's host may be the very name that is moved. */
import type { MigrationBundle } from '../../contracts/bundle'
import { failure } from '../../contracts/failures'
import { atItsAddress, type DeclaredStandby } from '../../contracts/fleet'
import type { StandbySides } from '../../contracts/replicate'
import type { StandbyId, StandbyNames } from '../../contracts/standby'
import type { StepRef } from '../../contracts/step-ref'
import type { SwitchoverRequest } from '../../contracts/switchover'
import type { Session } from '../../postgres/connect/session'
import type { FenceToken } from '../../postgres/migrate/fence'
import type { Publisher } from '../../postgres/replicate/conninfo'
import { standbyNames } from '../../postgres/replicate/names'
import type { ActivityDeps } from '../deps'
import { opener, type Place, type SideName } from '../replication/sides'

export interface Pair {
  readonly bundle: MigrationBundle
  readonly id: StandbyId
  readonly request: SwitchoverRequest
  readonly places: Readonly<Record<SideName, Place>>
  /** Of the way there: its slot is on the source. */
  readonly forward: StandbyNames
  /** Of the way back: its slot is on the standby. */
  readonly back: StandbyNames
  /** There can be no way back, and somebody said that writing moves all the same. */
  readonly oneWay: boolean
}

export async function pairOf(
  { ledger }: Pick<ActivityDeps, 'ledger'>,
  input: StepRef & { readonly sides: StandbySides },
): Promise<Pair> {
  const bundle = await ledger.getBundle(input.bundle)
  const { switchover: request, database } = bundle
  if (request === undefined) throw new Error('the bundle does not say where writing is to move')
  const { standby } = request
  const id = { source: database.name, target: standby.name }
  return {
    ...{ bundle, id, request, oneWay: request.oneWay !== undefined },
    places: {
      source: { ref: input, entry: atItsAddress(database), address: input.sides.source },
      standby: { ref: input, entry: atItsAddress(standby), address: input.sides.standby },
    },
    forward: standbyNames(id),
    back: standbyNames({ source: id.target, target: id.source }),
  }
}

/** How the source follows once writing has moved: whoever moves it has seen that it is declared. */
export function declaredBack({ request }: Pick<Pair, 'request'>): DeclaredStandby {
  if (request.back === null) throw new Error('nobody declared a way back')
  return request.back
}

/** Whether there is a way back the workflow has from its input, and what it calls from the bundle: one that is too old to know the word would turn a source round that
 *  cannot follow. Throws RESOURCE_NOT_OURS. */
export function assertWay({ oneWay, id }: Pair, expected: boolean): void {
  if (oneWay === expected) return
  const message = `The plan says of ${id.source} that ${oneWay ? 'no' : 'a'} way back is made, and the worker of the workflow does not know it: start workers of the same version, then have it tried again.`
  throw failure('RESOURCE_NOT_OURS', message, { database: id.source })
}

/** As whom the source follows, and may connect to the standby; null: it does not. */
export const backUser = (pair: Pick<Pair, 'oneWay' | 'request'>): string | null =>
  pair.oneWay ? null : declaredBack(pair).publisher.user

/** As the source's server sees the standby. */
export async function backPublisher(deps: ActivityDeps, pair: Pair): Promise<Publisher> {
  const { user, secret, host, port, tls } = declaredBack(pair).publisher
  const { address, entry } = pair.places.standby
  const password = await deps.resolveSecret(secret)
  return { host: host ?? address.host, port: port ?? address.port, database: entry.database, user, password, tls }
}

/** As the master, in both databases. */
export async function insideBoth<T>(
  deps: ActivityDeps,
  { places }: Pick<Pair, 'places'>,
  tokens: Readonly<Record<SideName, FenceToken>>,
  work: (on: Readonly<Record<SideName, Session>>) => Promise<T>,
): Promise<T> {
  const source = await opener(deps, places.source, 'admin', tokens.source)()
  try {
    const standby = await opener(deps, places.standby, 'admin', tokens.standby)()
    return await work({ source, standby }).finally(() => standby.close())
  } finally {
    await source.close()
  }
}
