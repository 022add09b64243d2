/** An endpoint that is the database of several PgBouncers. Where they lead is written in a file that all of them include; each is told to read it, and
 *  each is asked where it leads. All of them have to agree: an endpoint that leads to two places is two endpoints.
 *
 *  Nothing is kept here: an attempt that died anywhere is told from where the file and the poolers lead, and the next one goes on. docs/decisions/0029. */
import { type Endpoint, type HostPort, samePlace } from '../../../contracts/endpoint'
import { Failure, failure } from '../../../contracts/failures'
import type { OperationId } from '../../../contracts/operation'
import { changing } from '../../act'
import type { ActivityDeps } from '../../deps'
import { commandEndpoint } from '../command'
import { type EndpointMove, type EndpointPort, shownPlace } from '../port'
import { type Answers, allOf, answersOf, type Each, worstOf } from './answers'
import { pausingOf } from './pausing'
import { placeOf, reload } from './pooler'
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
  const each: Each = (work, signal = at.signal) =>
    answersOf(
      poolers.map(async (pooler) => work({ pooler, database, signal, password: await at.resolveSecret(pooler.secret) })),
      poolers,
    )
  const parts = async (operation: OperationId): Promise<Answers<Part>> => {
    const written = { name: 'their file', at: await target.whereTo(operation) }
    const { answers, silent } = await each(async (of) => ({ name: shownPlace(of.pooler), at: await placeOf(of) }))
    return { answers: [written, ...answers], silent }
  }
  return {
    async whereTo(operation) {
      const [first, ...others] = allOf(await parts(operation))
      if (first === undefined) throw new Error('an endpoint without a file')
      if (others.every((other) => samePlace(other.at, first.at))) return first.at
      throw disagreement([first, ...others])
    },
    assertMovable: async (next) => target.assertMovable?.(next),
    settle: async () => target.settle?.(),
    async places(operation) {
      const { answers, silent } = await parts(operation)
      return { at: answers.map((part) => part.at), silent }
    },
    async move(move) {
      // a program that has not reached every pooler has reached some: those are told as well
      const unwritten = await target.move(move).then(() => null, declared.target.by === 'program' ? transientOf : rejected)
      await changing().mayChange()
      const told = await each(async (of) => ({ name: shownPlace(of.pooler), at: await reload(of) }))
      const left = worstOf([unwritten, behindOf(told.answers, move), unreachedOf(told.silent)])
      if (left !== null) throw left
    },
    pausing: pausingOf(each, declared),
  }
}

function rejected(error: unknown): never {
  throw error
}

function transientOf(error: unknown): Failure {
  if (error instanceof Failure && error.kind === 'transient') return error
  throw error
}

function behindOf(told: readonly Part[], { to }: EndpointMove): Failure | null {
  const behind = told.filter((part) => !samePlace(part.at, to))
  if (behind.length === 0) return null
  const message = `Told to read their configuration anew, ${shownParts(behind)}: check that each of them includes the file of the endpoint, and what its log says.`
  return failure('ENDPOINT_UNREACHABLE', message, { poolers: behind.map(({ name }) => name).join(', ') })
}

function unreachedOf(silent: Failure | null): Failure | null {
  if (silent === null) return null
  const message = `${silent.message} The others have read their file anew. One that is started later reads it as well; one that runs on unreached leads its clients to where it did: reach it, or end it.`
  return failure(silent.code, message, silent.facts, { cause: silent })
}

function targetPort({ target, database }: Declared, { endpoints, database: name, signal }: PoolersAt) {
  if (target.by === 'file') return targetFile({ folder: endpoints.poolerFiles, file: target.file, database })
  const { write, timeoutMs } = target
  return commandEndpoint({ kind: 'command', move: write, check: write, timeoutMs }, { access: endpoints, database: name, signal })
}

function disagreement(parts: readonly Part[]): Failure {
  const message = `The poolers of the endpoint and their file do not agree: ${shownParts(parts)}. Find out who changed one of them, lead all to the same place, then plan again.`
  return failure('ENDPOINT_DRIFTED', message, { places: parts.map((part) => shownPlace(part.at)).join(', ') })
}

function shownParts(parts: readonly Part[]): string {
  return parts.map((part) => `${part.name} leads to ${shownPlace(part.at)}`).join(', ')
}
