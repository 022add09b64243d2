/** The admin console of one pooler. It speaks PostgreSQL's simple protocol and nothing but its own commands: a session of ours asks and sets things at
 *  its start, which the console refuses, so that there is a connection here with the same guard of the password and nothing else.
 *
 *  What a pooler says goes to the worker's log; failures are kept in histories and have our own words. */
import { DatabaseError } from 'pg'
import type { Pooler } from '../../../contracts/endpoint'
import { Failure, failure } from '../../../contracts/failures'
import { connectFailure } from '../../../postgres/connect/errors'
import { GuardedClient } from '../../../postgres/connect/guarded-client'
import { clientConfig } from '../../../postgres/connect/session'
import { printable } from '../../../postgres/printable'
import { currentAct } from '../../act'
import { shownPlace } from '../port'

export type Row = Readonly<Record<string, unknown>>

export interface PoolerAccess {
  readonly pooler: Pooler
  readonly password: string
  readonly signal: AbortSignal
}

export interface Console {
  /** One command. Fails with ENDPOINT_UNREACHABLE without an answer, ENDPOINT_REFUSED where it says no. */
  ask(command: string): Promise<Row[]>
  /** Null: it had not answered within that time. The console is of no more use then, since it waits on. */
  askWithin(command: string, withinMs: number): Promise<Row[] | null>
  close(): void
}

const PATIENCE_MS = 10_000
/** The database that is no database. */
const CONSOLE = 'pgbouncer'

/** Runs `work` with a console of its own, which is closed afterwards, however it ended. */
export async function withConsole<T>(access: PoolerAccess, work: (console: Console) => Promise<T>): Promise<T> {
  const console = await openConsole(access)
  try {
    return await work(console)
  } finally {
    console.close()
  }
}

/** Whoever opens it closes it. */
export async function openConsole({ pooler, password, signal }: PoolerAccess): Promise<Console> {
  signal.throwIfAborted()
  const { host, port, user, tls } = pooler
  const at = { host, port, user, tls, password, database: CONSOLE }
  const client = new GuardedClient({
    ...clientConfig({ ...at, applicationName: 'capstan', connectTimeoutMs: PATIENCE_MS }),
    password,
  })
  const close = (): void => {
    signal.removeEventListener('abort', close)
    // without a goodbye: a console that waits for a pause would not hear it
    client.connection.stream.destroy()
  }
  client.on('error', () => undefined)
  signal.addEventListener('abort', close, { once: true })
  const askWithin = async (command: string, withinMs: number) => {
    signal.throwIfAborted()
    let limit: NodeJS.Timeout | undefined
    const late = new Promise<null>((resolve) => {
      limit = setTimeout(() => resolve(null), withinMs)
    })
    try {
      const answer = client.query<Row>(command)
      answer.catch(() => undefined)
      const said = await Promise.race([answer, late])
      return said === null ? null : said.rows
    } catch (error) {
      signal.throwIfAborted()
      throw notDone(error, pooler, command)
    } finally {
      clearTimeout(limit)
    }
  }
  try {
    await client.connect()
  } catch (error) {
    close()
    signal.throwIfAborted()
    throw notConnected(error, pooler)
  }
  return {
    askWithin,
    close,
    async ask(command) {
      const rows = await askWithin(command, PATIENCE_MS)
      if (rows !== null) return rows
      const message = `The pooler ${shownPlace(pooler)} did not answer ${firstWord(command)} within ${PATIENCE_MS / 1000} s.`
      throw failure('ENDPOINT_UNREACHABLE', message, { pooler: shownPlace(pooler) })
    },
  }
}

/** PgBouncer has one SQLSTATE for whatever ends a client. */
const NOT_LET_IN = /authentication failed|password|no such user|not allowed|rejected|no such database|required|unsupported/i

function notConnected(error: unknown, pooler: Pooler): Failure {
  const where = shownPlace(pooler)
  if (error instanceof DatabaseError) {
    logSaid(pooler, error)
    const facts = { pooler: where, user: pooler.user }
    if (NOT_LET_IN.test(error.message)) {
      const message = `The pooler ${where} does not let ${pooler.user} into its console: check the password, and its admin_users and auth_file. ${WHERE_SAID}`
      return failure('ENDPOINT_REFUSED', message, facts)
    }
    const message = `The pooler ${where} is there and takes no connection now: it starts, ends or is full. ${WHERE_SAID}`
    return failure('ENDPOINT_UNREACHABLE', message, facts)
  }
  const why = error instanceof Failure ? error : connectFailure(error, { ...pooler, database: CONSOLE })
  const code = why.kind === 'transient' ? 'ENDPOINT_UNREACHABLE' : 'ENDPOINT_REFUSED'
  return failure(code, `A pooler of the endpoint: ${why.message}`, { pooler: where, user: pooler.user })
}

function notDone(error: unknown, pooler: Pooler, command: string): Failure {
  const where = shownPlace(pooler)
  const facts = { pooler: where, command: firstWord(command) }
  if (!(error instanceof DatabaseError) || error.severity === 'FATAL') {
    const message = `The connection to the pooler ${where} was lost at ${facts.command}; it can be repeated.`
    return failure('ENDPOINT_UNREACHABLE', message, facts, { cause: error })
  }
  logSaid(pooler, error)
  if (/admin access/i.test(error.message)) {
    const message = `The pooler ${where} lets ${pooler.user} look and change nothing: add it to its admin_users.`
    return failure('ENDPOINT_REFUSED', message, facts)
  }
  return failure('ENDPOINT_REFUSED', `The pooler ${where} refused ${facts.command}. ${WHERE_SAID}`, facts)
}

const WHERE_SAID = 'What it said is in the log of this worker.'

function logSaid(pooler: Pooler, { message }: Error): void {
  currentAct().log?.('a pooler of an endpoint said', { pooler: shownPlace(pooler), said: printable(message.slice(0, 500)) })
}

function firstWord(command: string): string {
  return command.split(' ', 1)[0] ?? ''
}
