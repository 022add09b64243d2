/** An endpoint that is the database of several PgBouncers. Where they lead is written in a file that all of them include; each is told to read it, and
 *  each is asked where it leads. All of them have to agree: an endpoint that leads to two places is two endpoints.
 *
 *  Nothing is kept here: an attempt that died anywhere is told from where the file and the poolers lead, and the next one goes on. docs/decisions/0029. */
import { type Endpoint, type HostPort, type Pooler, type PoolerFacts, samePlace } from '../../../contracts/endpoint'
import { Failure, failure } from '../../../contracts/failures'
import type { OperationId } from '../../../contracts/operation'
import { changing } from '../../act'
import type { ActivityDeps } from '../../deps'
import { commandEndpoint } from '../command'
import { type EndpointPort, type Pausing, shownPlace } from '../port'
import { factsOf, type PoolerOf, pause, placeOf, reload, resume, sharedPort } from './pooler'
import { targetFile } from './target-file'

type Declared = Extract<Endpoint, { readonly kind: 'pgbouncer' }>

interface PoolersAt extends Pick<ActivityDeps, 'endpoints' | 'resolveSecret'> {
  /** The fleet file's name of the database. */
  readonly database: string
  readonly signal: AbortSignal
}

/** One part of the endpoint, and where it leads. */
interface Part {
  readonly name: string
  readonly at: HostPort
}

export function poolersEndpoint(declared: Declared, at: PoolersAt): EndpointPort {
  const { poolers, database } = declared
  const target = targetPort(declared, at)
  const each = async <T>(work: (of: PoolerOf) => Promise<T>): Promise<T[]> => {
    const { resolveSecret, signal } = at
    return allOf(
      poolers.map(async (pooler) => work({ pooler, database, signal, password: await resolveSecret(pooler.secret) })),
      poolers,
    )
  }
  const parts = async (operation: OperationId): Promise<Part[]> => {
    const written = { name: 'their file', at: await target.whereTo(operation) }
    return [written, ...(await each(async (of) => ({ name: shownPlace(of.pooler), at: await placeOf(of) })))]
  }
  return {
    async whereTo(operation) {
      const [first, ...others] = await parts(operation)
      if (first === undefined) throw new Error('an endpoint without a file')
      if (others.every((other) => samePlace(other.at, first.at))) return first.at
      throw disagreement([first, ...others])
    },
    places: async (operation) => (await parts(operation)).map((part) => part.at),
    async move(move) {
      await target.move(move)
      await changing().mayChange()
      const moved = await each(async (of) => ({ name: shownPlace(of.pooler), at: await reload(of) }))
      const behind = moved.filter((part) => !samePlace(part.at, move.to))
      if (behind.length === 0) return
      const message = `Told to read their configuration anew, ${shownParts(behind)}: check that each of them includes the file of the endpoint, and what its log says.`
      throw failure('ENDPOINT_UNREACHABLE', message, { poolers: behind.map(({ name }) => name).join(', ') })
    },
    pausing: pausingOf(each, database),
  }
}

type Each = <T>(work: (of: PoolerOf) => Promise<T>) => Promise<T[]>

function pausingOf(each: Each, database: string): Pausing {
  const facts = async () => {
    const poolers = await each(factsOf)
    const waits = poolers.flatMap(({ queryWaitTimeoutMs }) => queryWaitTimeoutMs ?? [])
    return {
      poolers,
      objections: objectionsTo(poolers),
      waitMsMax: waits.length === 0 ? null : Math.min(...waits),
      waitMsAfter: Math.max(...poolers.map(({ serverLoginRetryMs }) => serverLoginRetryMs)),
    }
  }
  const resumeAll = async () => (await each(resume)).includes(true)
  return {
    facts,
    resume: resumeAll,
    async pause(withinMs) {
      // asked of all before any is paused: one that is down costs nobody a wait
      const { objections, waitMsMax, waitMsAfter } = await facts()
      if (objections.length > 0) throw failure('ENDPOINT_REFUSED', `The endpoint cannot be paused. ${objections.join(' ')}`)
      if (waitMsMax !== null && waitMsMax <= withinMs + waitMsAfter) {
        const message = `The poolers end a client that has waited for ${waitMsMax / 1000} s (query_wait_timeout). To pause may take ${withinMs / 1000} s, and to go on ${waitMsAfter / 1000} s (server_login_retry): allow more there, or less here.`
        throw failure('ENDPOINT_REFUSED', message, { waitMsMax, withinMs, waitMsAfter })
      }
      await changing().mayChange()
      try {
        const holders = (await each((of) => pause(of, withinMs))).flat()
        if (holders.length > 0) throw heldBy(holders, { database, withinMs })
      } catch (error) {
        await resumeAll().catch((left: unknown) => {
          throw stillPaused(left, error)
        })
        throw error
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

function targetPort({ target, database }: Declared, { endpoints, database: name, signal }: PoolersAt) {
  if (target.by === 'file') return targetFile({ folder: endpoints.poolerFiles, file: target.file, database })
  const { write, timeoutMs } = target
  return commandEndpoint({ kind: 'command', move: write, check: write, timeoutMs }, { access: endpoints, database: name, signal })
}

/** Waits for all of them, so that nothing goes on behind a failure; then fails as the worst one did, naming each. */
async function allOf<T>(works: readonly Promise<T>[], poolers: readonly Pooler[]): Promise<T[]> {
  const ends = await Promise.allSettled(works)
  const failed = ends.flatMap((end, index) => {
    const pooler = poolers[index]
    return end.status === 'rejected' && pooler !== undefined ? [{ reason: end.reason as unknown, pooler }] : []
  })
  const defect = failed.find(({ reason }) => !(reason instanceof Failure))
  if (defect !== undefined) throw defect.reason
  const failures = failed.flatMap(({ reason }) => (reason instanceof Failure ? [reason] : []))
  const worst = failures.find(({ kind }) => kind !== 'transient') ?? failures[0]
  if (worst === undefined) return ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []))
  if (failures.length === 1) throw worst
  const message = failures.map((one) => one.message).join(' ')
  throw failure(worst.code, message, { ...worst.facts, poolers: failed.map(({ pooler }) => shownPlace(pooler)).join(', ') })
}

function disagreement(parts: readonly Part[]): Failure {
  const message = `The poolers of the endpoint and their file do not agree: ${shownParts(parts)}. Find out who changed one of them, lead all to the same place, then plan again.`
  return failure('ENDPOINT_DRIFTED', message, { places: parts.map((part) => shownPlace(part.at)).join(', ') })
}

function shownParts(parts: readonly Part[]): string {
  return parts.map((part) => `${part.name} leads to ${shownPlace(part.at)}`).join(', ')
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
