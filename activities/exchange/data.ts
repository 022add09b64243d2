/** The databases' part of an exchange: what they say of themselves, before it and after. */
import type { HostPort } from '../../contracts/endpoint'
import { EXCHANGE_DOCUMENTS, type WriterProven } from '../../contracts/exchange'
import { standingEpoch } from '../../postgres/migrate/fence'
import { physicalSide } from '../../postgres/replicate/physical'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { looking, type Place } from '../replication/sides'
import { raiseOwnFence } from '../schema/apply-behind-fence'
import { epochAbove } from '../schema/epoch'
import type { ExchangeDataActivities } from './contract'
import { judgeWriter, type Word, wordOfRoles } from './judge'
import { exchangePlaces } from './pair'
import { planExchange } from './plan'
import { planTakeOver, stateTakeOver } from './plan-take-over'
import { markAndFollow, wordOf } from './word'

type Proving = Parameters<ExchangeDataActivities['proveWriter']>[0]

export function createExchangeDataActivities(deps: ActivityDeps): ExchangeDataActivities {
  return {
    planExchange: (input) => planExchange(deps, input),
    planTakeOver: (input) => planTakeOver(deps, input),
    stateTakeOver: (input) => stateTakeOver(deps, input),
    raiseOnSource: (input) => raiseOnSource(deps, input),
    raiseOnNewWriter: (input) => raiseOnNewWriter(deps, input),
    proveWriter: (input) => proveWriter(deps, input),
  }
}

async function raiseOnSource(deps: ActivityDeps, input: Parameters<ExchangeDataActivities['raiseOnSource']>[0]) {
  const { epoch, sides } = input
  const { places, request } = await exchangePlaces(deps, input)
  const { source: writer, standby: follower } = places
  const ms = await markAndFollow(deps, { writer, follower, epoch, followMsMax: request.followMsMax })
  return { summary: `${sides.standby.instance} showed what was written to ${sides.source.instance} within ${ms} ms` }
}

/** What was planned before the source was lost knows no higher one. */
async function raiseOnNewWriter(deps: ActivityDeps, input: Parameters<ExchangeDataActivities['raiseOnNewWriter']>[0]) {
  const { operation, lock, sides } = input
  const { places } = await exchangePlaces(deps, input)
  const { host, port } = sides.standby.afterwards ?? sides.standby
  const writer = { ...places.standby, address: { ...places.standby.address, host, port } }
  return looking(deps, writer, 'migrator', async (session) => {
    const epoch = await epochAbove(deps, operation, lock, await standingEpoch(session))
    await raiseOwnFence(session, operation, epoch)
    return { summary: `who may act in ${sides.standby.instance} is reckoned from here on` }
  })
}

async function proveWriter(deps: ActivityDeps, input: Proving): Promise<WriterProven> {
  const { places } = await exchangePlaces(deps, input)
  const { source, standby } = input.sides
  const [old, next] = await Promise.all([
    wordOfSide(deps, places.source, { writer: source, replica: source.afterwards, led: input.cloudSays === 'exchanged' }),
    wordOfSide(deps, places.standby, {
      writer: standby.afterwards ?? standby,
      replica: standby.afterwards && standby,
      led: true,
    }),
  ])
  const proven = judgeWriter({ ...input, old, next, attempt: currentAct().attempt })
  assertMayAct()
  await deps.ledger.putDocument({ operation: input.operation, name: EXCHANGE_DOCUMENTS.proven, document: proven })
  return proven
}

interface AtRoles {
  readonly writer: HostPort
  /** Absent: it answers at one address whatever its role. */
  readonly replica: HostPort | undefined
  /** By its cloud, or as it was before: nobody is its writer. */
  readonly led: boolean
}

async function wordOfSide(deps: ActivityDeps, place: Place, { writer, replica, led }: AtRoles): Promise<Word> {
  const { signal } = currentAct()
  const at = ({ host, port }: HostPort): Promise<Word> =>
    wordOf(deps, { ...place, address: { ...place.address, host, port } }, (session) => physicalSide(session, signal))
  if (replica === undefined) return at(writer)
  const [asWriter, asReplica] = await Promise.all([at(writer), at(replica)])
  return wordOfRoles({ asWriter, asReplica, nobodysWriter: led })
}
