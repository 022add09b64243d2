/** The databases' part of an exchange: what they say of themselves, before it and after. */
import { EXCHANGE_DOCUMENTS, type WriterProven } from '../../contracts/exchange'
import { physicalSide } from '../../postgres/replicate/physical'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { ExchangeDataActivities } from './contract'
import { judgeWriter } from './judge'
import { exchangePlaces } from './pair'
import { planExchange } from './plan'
import { markAndFollow, wordOf } from './word'

type Proving = Parameters<ExchangeDataActivities['proveWriter']>[0]

export function createExchangeDataActivities(deps: ActivityDeps): ExchangeDataActivities {
  return {
    planExchange: (input) => planExchange(deps, input),
    raiseOnSource: (input) => raiseOnSource(deps, input),
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

async function proveWriter(deps: ActivityDeps, input: Proving): Promise<WriterProven> {
  const { places } = await exchangePlaces(deps, input)
  const { signal, attempt } = currentAct()
  const [old, next] = await Promise.all([
    wordOf(deps, places.source, (session) => physicalSide(session, signal)),
    wordOf(deps, places.standby, (session) => physicalSide(session, signal)),
  ])
  const proven = judgeWriter({ ...input, old, next, attempt })
  assertMayAct()
  await deps.ledger.putDocument({ operation: input.operation, name: EXCHANGE_DOCUMENTS.proven, document: proven })
  return proven
}
