/** The databases' part of an exchange: what they say of themselves, before it and after. */
import { setTimeout as sleep } from 'node:timers/promises'
import { EXCHANGE_DOCUMENTS, type WriterProven } from '../../contracts/exchange'
import { Failure, failure } from '../../contracts/failures'
import { type PhysicalSide, physicalSide } from '../../postgres/replicate/physical'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { looking, type Place } from '../replication/sides'
import { raiseOwnFence } from '../schema/apply-behind-fence'
import { withSession } from '../schema/open-session'
import { notReadyYet } from '../waiting'
import type { ExchangeDataActivities } from './contract'
import { exchangePlaces } from './pair'
import { planExchange } from './plan'

const LOOK_EVERY_MS = 50
const CONNECT_MS = 3_000
/** About ten seconds of attempts: an old writer that restarts as a replica is back by then, as a rule, and applications wait. */
const SILENT_ATTEMPTS = 6

type Proving = Parameters<ExchangeDataActivities['proveWriter']>[0]

export function createExchangeDataActivities(deps: ActivityDeps): ExchangeDataActivities {
  return {
    planExchange: (input) => planExchange(deps, input),
    markSource: (input) => markSource(deps, input),
    proveWriter: (input) => proveWriter(deps, input),
  }
}

async function markSource(deps: ActivityDeps, input: Parameters<ExchangeDataActivities['markSource']>[0]) {
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

/** What a side says of itself; a text: why it said nothing. */
type Word = PhysicalSide | string

async function wordOf(deps: ActivityDeps, place: Place): Promise<Word> {
  const { entry, address, ref } = place
  const asked = { entry, role: 'migrator', operation: ref.operation, step: ref.step, address, canary: false } as const
  try {
    return await withSession(deps, { ...asked, ownAddress: true, connectTimeoutMs: CONNECT_MS }, (session) =>
      physicalSide(session, currentAct().signal),
    )
  } catch (error) {
    if (error instanceof Failure && (error.kind === 'transient' || error.code === 'DATABASE_REFUSED')) return error.message
    throw error
  }
}

async function proveWriter(deps: ActivityDeps, input: Proving): Promise<WriterProven> {
  const { places } = await exchangePlaces(deps, input)
  const [old, next] = await Promise.all([wordOf(deps, places.source), wordOf(deps, places.standby)])
  const proven = judge(input, old, next)
  assertMayAct()
  await deps.ledger.putDocument({ operation: input.operation, name: EXCHANGE_DOCUMENTS.proven, document: proven })
  return proven
}

const writes = (word: Word): boolean => typeof word !== 'string' && !word.replays
const follows = (word: Word): boolean => typeof word !== 'string' && word.replays

function judge({ sides: { source, standby }, epoch, cloudSays }: Proving, old: Word, next: Word): WriterProven {
  if (writes(old) && writes(next)) {
    const message = `Both ${source.instance} and ${standby.instance} take writes. Keep everybody off the one that applications are not led to, then find out by its cloud what became of the exchange, and have this tried again.`
    throw failure('FENCE_NOT_PROVEN', message, { instance: source.instance })
  }
  if (typeof next !== 'string' && !next.replays) {
    assertMarked(next, epoch, standby.instance)
    const evidence = [`${standby.instance} takes writes, and has what was written to ${source.instance} right before`]
    if (typeof old !== 'string')
      return {
        version: 1,
        writer: 'standby',
        other: 'follows',
        evidence: [...evidence, `${source.instance} replays and takes none`],
      }
    if (cloudSays === 'exchanged' && currentAct().attempt >= SILENT_ATTEMPTS)
      return { version: 1, writer: 'standby', other: 'silent', evidence: [...evidence, `${source.instance} did not say: ${old}`] }
    throw notReadyYet(`The old writer ${source.instance}`, `not to be asked whether it takes writes (${old})`)
  }
  if (writes(old) && cloudSays !== 'exchanged' && (follows(next) || cloudSays === 'stayed')) {
    const other = follows(next) ? 'follows' : 'silent'
    return { version: 1, writer: 'source', other, evidence: [`${source.instance} takes writes as before`] }
  }
  const said = typeof next === 'string' ? `not to be asked (${next})` : 'replaying still'
  throw notReadyYet(`The replica ${standby.instance}`, said)
}

function assertMarked({ epoch: found }: PhysicalSide, epoch: number, instance: string): void {
  if (found >= epoch) return
  const message = `${instance} takes writes and lacks what was written to the old writer right before the exchange (mark ${epoch}, found ${found}): rows that were acknowledged are missing. Lead nobody there before it is known which.`
  throw failure('FENCE_NOT_PROVEN', message, { instance, found, expected: epoch })
}
