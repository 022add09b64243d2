/** Pausing several poolers: all of them or none. Nobody resumes by itself, so that whoever pauses takes it back himself where it fails, or comes too late. */
import { type Endpoint, type PoolerFacts, samePlace } from '../../../contracts/endpoint'
import { Failure, failure } from '../../../contracts/failures'
import { changing } from '../../act'
import { type Pausing, shownPlace } from '../port'
import { allOf, answersOf, type Each } from './answers'
import { type Console, openConsole } from './console'
import { factsOf, pause, placeOf, resume, sharedPort } from './pooler'

type Declared = Pick<Extract<Endpoint, { readonly kind: 'pgbouncer' }>, 'poolers' | 'database'>

/** An attempt that was aborted has to let clients go on all the same: within the time that a console may take, and once more. */
const UNDO_MS = 30_000

export function pausingOf(each: Each, { poolers: declared, database }: Declared): Pausing {
  const facts = async () => {
    const poolers = allOf(await each(factsOf))
    const waits = poolers.flatMap(({ queryWaitTimeoutMs }) => queryWaitTimeoutMs ?? [])
    return {
      poolers,
      objections: objectionsTo(poolers),
      waitMsMax: waits.length === 0 ? null : Math.min(...waits),
      waitMsAfter: Math.max(...poolers.map(({ serverLoginRetryMs }) => serverLoginRetryMs)),
    }
  }
  const pauseAll = async (withinMs: number, opened: Console[]) => {
    const consoles = allOf(
      await each(async (of) => {
        const console = await openConsole(of)
        opened.push(console)
        return { of, console }
      }),
    )
    // between this question and the pause there is one way to each pooler, and nothing else that takes its time
    await changing().mayChange()
    try {
      const pauses = consoles.map(({ of, console }) => pause(of, console, withinMs))
      const holders = allOf(await answersOf(pauses, declared)).flat()
      if (holders.length > 0) throw heldBy(holders, { database, withinMs })
      // one that was overtaken meanwhile paused behind its own undo, and nobody else would end that
      await changing().mayChange()
    } catch (error) {
      await each(resume, AbortSignal.timeout(UNDO_MS))
        .then(allOf)
        .catch((left: unknown) => {
          throw stillPaused(left, error)
        })
      throw error
    }
  }
  return {
    facts,
    async resume(leadingTo) {
      const led: typeof resume = async (of) =>
        leadingTo === undefined || samePlace(await placeOf(of), leadingTo) ? resume(of) : false
      return allOf(await each(led)).includes(true)
    },
    async pause(withinMs) {
      // asked of all before any is paused: one that is down costs nobody a wait
      const { objections, waitMsMax, waitMsAfter } = await facts()
      if (objections.length > 0) throw failure('ENDPOINT_REFUSED', `The endpoint cannot be paused. ${objections.join(' ')}`)
      if (waitMsMax !== null && waitMsMax <= withinMs + waitMsAfter) {
        const message = `The poolers end a client that has waited for ${waitMsMax / 1000} s (query_wait_timeout). To pause may take ${withinMs / 1000} s, and to go on ${waitMsAfter / 1000} s (server_login_retry): allow more there, or less here.`
        throw failure('ENDPOINT_REFUSED', message, { waitMsMax, withinMs, waitMsAfter })
      }
      const opened: Console[] = []
      try {
        await pauseAll(withinMs, opened)
      } finally {
        for (const console of opened) console.close()
      }
    },
  }
}

/** What of the poolers' settings would make a pause an outage. */
function objectionsTo(poolers: readonly PoolerFacts[]): string[] {
  return poolers.flatMap((pooler) => {
    const session = `The pooler ${shownPlace(pooler)} gives a client its connection for the whole session, so that a pause would wait until every client has gone: set pool_mode = transaction for the database.`
    return [...(pooler.poolModes.includes('session') ? [session] : []), ...(pooler.sharedPort ? [sharedPort(pooler)] : [])]
  })
}

function heldBy(holders: readonly string[], { database, withinMs }: { database: string; withinMs: number }): Failure {
  const message = `The endpoint was not paused, and clients go on: of ${database}, within ${withinMs / 1000} s these transactions had not ended: ${holders.join('; ')}. End them, or wait, and begin anew.`
  return failure('ENDPOINT_REFUSED', message, { holders: holders.length })
}

/** The pause has failed, and so has its undo: who is told has to know both. */
function stillPaused(left: unknown, pausing: unknown): unknown {
  if (!(left instanceof Failure) || !(pausing instanceof Failure)) return left
  const message = `${pausing.message} And clients may still wait: ${left.message} RESUME the database there.`
  return failure(left.code, message, left.facts, { cause: pausing })
}
