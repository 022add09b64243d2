/** The databases' part of an exchange: what they say of themselves, before it and after. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { HostPort } from '../../contracts/endpoint'
import { EXCHANGE_DOCUMENTS, type WriterProven } from '../../contracts/exchange'
import { Failure, failure } from '../../contracts/failures'
import { physicalSide } from '../../postgres/replicate/physical'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { looking, type Place } from '../replication/sides'
import { raiseOwnFence } from '../schema/apply-behind-fence'
import { withSession } from '../schema/open-session'
import type { ExchangeDataActivities } from './contract'
import { judgeWriter, type Word, wordOfRoles } from './judge'
import { exchangePlaces } from './pair'
import { planExchange } from './plan'
import { planTakeOver } from './plan-take-over'

const LOOK_EVERY_MS = 50
const CONNECT_MS = 3_000
/** For all that a side is asked. One that lets us in and then stands still must not keep the other from being believed. */
const WORD_MS = 4_000

type Proving = Parameters<ExchangeDataActivities['proveWriter']>[0]

export function createExchangeDataActivities(deps: ActivityDeps): ExchangeDataActivities {
  return {
    planExchange: (input) => planExchange(deps, input),
    planTakeOver: (input) => planTakeOver(deps, input),
    raiseOnSource: (input) => raiseOnSource(deps, input),
    proveWriter: (input) => proveWriter(deps, input),
  }
}

async function raiseOnSource(deps: ActivityDeps, input: Parameters<ExchangeDataActivities['raiseOnSource']>[0]) {
  const { epoch, operation } = input
  const { places, request } = await exchangePlaces(deps, input)
  const { token } = await looking(deps, places.source, 'migrator', (session) => raiseOwnFence(session, operation, epoch))
  const { signal } = currentAct()
  const began = performance.now()
  await looking(deps, places.standby, 'migrator', async (session) => {
    for (;;) {
      const seen = await physicalSide(session, signal)
      if (seen.epoch >= token.epoch) return
      if (performance.now() - began > request.followMsMax) throw doesNotFollow(input, request.followMsMax)
      await sleep(LOOK_EVERY_MS, undefined, { signal })
    }
  })
  const ms = Math.round(performance.now() - began)
  return { summary: `${input.sides.standby.instance} showed what was written to ${input.sides.source.instance} within ${ms} ms` }
}

function doesNotFollow({ sides: { source, standby } }: { sides: Proving['sides'] }, ms: number): Failure {
  const message = `${standby.instance} does not show within ${ms / 1_000} s what was written to ${source.instance}: it is late, or follows no more. Nothing was exchanged; wait until it follows, or allow more by --drain-within.`
  return failure('BARRIER_NOT_PASSED', message, { instance: standby.instance })
}

async function wordOf(deps: ActivityDeps, place: Place): Promise<Word> {
  const { entry, address, ref } = place
  const late = AbortSignal.timeout(WORD_MS)
  const asked = { entry, role: 'migrator', operation: ref.operation, step: ref.step, address, canary: false } as const
  try {
    const request = { ...asked, ownAddress: true, connectTimeoutMs: CONNECT_MS, cutBy: late }
    const said = withSession(deps, request, (session) => physicalSide(session, currentAct().signal))
    return await Promise.race([said, silent(late)])
  } catch (error) {
    if (error instanceof Failure && (error.kind === 'transient' || error.code === 'DATABASE_REFUSED')) return error.message
    throw error
  }
}

interface AtRoles {
  readonly writer: HostPort
  /** Absent: it answers at one address whatever its role. */
  readonly replica: HostPort | undefined
  /** By its cloud, or as it was before: nobody is its writer. */
  readonly led: boolean
}

async function wordOfSide(deps: ActivityDeps, place: Place, { writer, replica, led }: AtRoles): Promise<Word> {
  const at = ({ host, port }: HostPort): Promise<Word> => wordOf(deps, { ...place, address: { ...place.address, host, port } })
  if (replica === undefined) return at(writer)
  const [asWriter, asReplica] = await Promise.all([at(writer), at(replica)])
  return wordOfRoles({ asWriter, asReplica, nobodysWriter: led })
}

/** Resolves once it is too late; whatever the side says after that is not heard. */
function silent(late: AbortSignal): Promise<string> {
  const word = `it did not say within ${WORD_MS / 1_000} s`
  return new Promise((resolve) => late.addEventListener('abort', () => resolve(word), { once: true }))
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
