/** One connection to one database. Statements run one after the other however they are asked for; an `AbortSignal` cancels the one
 *  that runs; a connection that dies fails the next statement with CONNECTION_LOST and never the process.
 *  It will not reconnect: who holds locks or a transaction must know that they are gone. */
import { type Client, type ClientConfig, DatabaseError, type QueryResult } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { Failure, failure } from '../../contracts/failures'
import { BoundSocket } from './bound-socket'
import { cancelKeyOf, requestCancel } from './cancel-request'
import type { ConnectOptions } from './connect-options'
import { connectFailure, type Endpoint, lost, ServerError, statementFailure } from './errors'
import { GuardedClient } from './guarded-client'
import { refuseForeignPath, refuseForeignRole, SESSION_START, type SessionStart } from './own-functions'
import { type Committed, type Next, ThenCommit } from './then-commit'
import { plainTypes } from './values'

export type Row = Record<string, unknown>

export interface StatementOptions {
  /** Cancels the statement on the server; the call rejects with the signal's reason once the server has stopped. */
  readonly signal?: AbortSignal | undefined
}

export interface Session {
  readonly endpoint: Endpoint
  readonly backendPid: number
  /** For example 150018. */
  readonly serverVersionNum: number
  /** A pooler sits in between: the backend is not the one that answered the handshake. */
  readonly pooled: boolean
  /** False once the connection is gone or closed. */
  readonly open: boolean
  /** One statement with bound values; without values also several in one round trip, resolving to the last one's rows. Throws
   *  ServerError, or a Failure CONNECTION_LOST. */
  query<T extends object = Row>(sql: string, values?: readonly unknown[], options?: StatementOptions): Promise<T[]>
  /** SQL text as it stands, over the simple protocol. Several statements are one implicit transaction. Resolves to the rows touched. */
  execute(sql: string, options?: StatementOptions): Promise<number>
  /** `COPY … FROM STDIN` with its data; bytes for the binary format. Resolves to the rows copied. */
  copyIn(sql: string, data: string | Uint8Array, options?: StatementOptions): Promise<number>
  /** One statement with bound values, COMMIT, and then `next`, in one round trip. When it rejects with a ServerError nothing is committed.
   *  When it resolves all is, whatever became of `next`. */
  commitWith(
    sql: string,
    values: readonly (string | number | null)[],
    next?: readonly Next[],
    options?: StatementOptions,
  ): Promise<Committed>
  /** Sets `name` for the session and keeps it over `reset()`. */
  set(name: string, value: string): Promise<void>
  /** Back to the state right after connecting: role, settings, temporary tables of the name space excepted. */
  reset(): Promise<void>
  close(): Promise<void>
}

const CANCEL_WAIT_MS = 5_000
/** A server that is frozen does not answer a goodbye either. */
const CLOSE_WAIT_MS = 2_000

/** Settings that every session runs with. Sums, texts and the meaning of scripts depend on them; the check interval (14+) makes the
 *  server notice a client that was killed, so that its statement cannot commit later. */
const PINNED: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  // A worker whose machine is gone must not keep its locks: its own pauses within a transaction are of milliseconds.
  idle_in_transaction_session_timeout: '60s',
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
}
const PINNED_SINCE_14: Readonly<Record<string, string>> = {
  client_connection_check_interval: '500',
  idle_session_timeout: '0',
}

/** All of them, in the way in which a session learns who answers: names its schema and uses no operator, so that nobody's own functions run before they are refused. */
const PIN = `SELECT ${Object.entries(PINNED)
  .map(([name, value]) => pinning(name, value))
  .join(', ')}, ${Object.entries(PINNED_SINCE_14)
  .map(([name, value]) => `CASE WHEN pg_catalog.current_setting('${name}', true) IS NOT NULL THEN ${pinning(name, value)} END`)
  .join(', ')}`

function pinning(name: string, value: string): string {
  return `pg_catalog.set_config('${name}', '${value}', false)`
}

/** Connects. Throws DATABASE_UNREACHABLE, CREDENTIALS_REJECTED, PASSWORD_WITHHELD, DATABASE_UNKNOWN, DATABASE_REFUSED or OPTION_INVALID. */
export async function connect(options: ConnectOptions): Promise<Session> {
  const endpoint = { host: options.host, port: options.port, database: options.database, user: options.user }
  const client = new GuardedClient(clientConfig(options))
  const session = new PgSession(client, options, endpoint)
  options.cutBy?.throwIfAborted()
  options.cutBy?.addEventListener('abort', () => session.cut(), { once: true })
  try {
    await client.connect()
    await session.pin()
  } catch (error) {
    client.end().catch(() => undefined)
    if (error instanceof ServerError || error instanceof Failure) throw error
    throw connectFailure(error, endpoint)
  }
  return session
}

/** What the driver is told. */
export function clientConfig(options: ConnectOptions): ClientConfig & { password: string } {
  const { sourceAddress } = options
  return {
    host: options.host,
    port: options.port,
    database: options.database,
    user: options.user,
    password: options.password,
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    ssl: tlsConfig(options),
    types: plainTypes,
    ...(sourceAddress === undefined ? {} : { stream: () => new BoundSocket(sourceAddress) }),
  }
}

function tlsConfig(options: ConnectOptions): ClientConfig['ssl'] {
  if (options.tls === 'require') return { rejectUnauthorized: false }
  if (options.tls !== 'verify-full') return false
  return { rejectUnauthorized: true, ...(options.tlsAuthority === undefined ? {} : { ca: options.tlsAuthority }) }
}

class PgSession implements Session {
  readonly endpoint: Endpoint
  backendPid = 0
  serverVersionNum = 0
  pooled = false
  open = true
  readonly #client: Client
  readonly #options: ConnectOptions
  readonly #kept: Record<string, string> = {}
  #last: Promise<unknown> = Promise.resolve()
  #closing = false
  /** What the server said when it ended the session between two statements. */
  #endedBy = ''

  constructor(client: Client, options: ConnectOptions, endpoint: Endpoint) {
    this.#client = client
    this.#options = options
    this.endpoint = endpoint
    // Without a listener an 'error' event would end the process. The statement under way is rejected by the driver itself.
    client.on('error', (error) => {
      this.open = false
      if (error instanceof DatabaseError) this.#endedBy = error.code ?? ''
    })
    client.on('end', () => {
      this.open = false
    })
  }

  /** Learns who answers and pins the settings, in one round trip. */
  async pin(): Promise<void> {
    const [told] = resultsOf(await this.#client.query<SessionStart>(`${SESSION_START}; ${PIN}`))
    const start = told?.rows[0]
    if (start === undefined) throw lost(this.endpoint, 'it does not say who it is')
    this.backendPid = start.pid
    this.serverVersionNum = Number(start.version)
    this.pooled = handshakePid(this.#client) !== this.backendPid
    refuseForeignPath(start, this.endpoint)
    // A pooler may log in as whom it likes; it is refused for what it is.
    if (!this.pooled) await refuseForeignRole(this.#client, start, this.endpoint)
  }

  async #applySettings(): Promise<void> {
    const settings = Object.entries({
      ...PINNED,
      ...(this.serverVersionNum >= 140_000 ? PINNED_SINCE_14 : {}),
      ...this.#kept,
    })
    const calls = settings.map((_, i) => `pg_catalog.set_config($${2 * i + 1}, $${2 * i + 2}, false)`)
    await this.#client.query(`SELECT ${calls.join(', ')}`, settings.flat())
  }

  query<T extends object = Row>(sql: string, values: readonly unknown[] = [], options: StatementOptions = {}): Promise<T[]> {
    return this.#inTurn(sql, options, async () => {
      if (values.length > 0) return (await this.#client.query<T>(sql, [...values])).rows
      const results = resultsOf<T>(await this.#client.query<T>(sql))
      return results.at(-1)?.rows ?? []
    })
  }

  execute(sql: string, options: StatementOptions = {}): Promise<number> {
    return this.#inTurn(sql, options, async () => {
      return resultsOf(await this.#client.query(sql)).reduce((sum, { rowCount }) => sum + (rowCount ?? 0), 0)
    })
  }

  copyIn(sql: string, data: string | Uint8Array, options: StatementOptions = {}): Promise<number> {
    return this.#inTurn(
      sql,
      options,
      () =>
        new Promise<number>((resolve, reject) => {
          const stream = this.#client.query(copyFrom(sql))
          stream.on('error', reject)
          stream.on('finish', () => resolve(stream.rowCount))
          stream.end(data)
        }),
    )
  }

  commitWith(
    sql: string,
    values: readonly (string | number | null)[],
    next: readonly Next[] = [],
    options: StatementOptions = {},
  ): Promise<Committed> {
    return this.#inTurn(sql, options, () => this.#client.query(new ThenCommit(sql, values, next)).committed)
  }

  async set(name: string, value: string): Promise<void> {
    this.#kept[name] = value
    await this.query('SELECT pg_catalog.set_config($1, $2, false)', [name, value])
  }

  async reset(): Promise<void> {
    await this.#inTurn('', {}, async () => {
      await this.#client.query('RESET ALL; SET SESSION AUTHORIZATION DEFAULT')
      await this.#applySettings()
    })
  }

  async close(): Promise<void> {
    this.#closing = true
    this.open = false
    const cut = setTimeout(() => this.cut(), CLOSE_WAIT_MS)
    await this.#client.end().catch(() => undefined)
    clearTimeout(cut)
  }

  #inTurn<T>(sql: string, options: StatementOptions, run: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => this.#run(sql, options, run))
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #run<T>(sql: string, { signal }: StatementOptions, run: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    if (!this.open) throw lost(this.endpoint, this.#closing ? 'closed' : this.#endedBy)
    let cancelled: Promise<void> | undefined
    let cut: NodeJS.Timeout | undefined
    const onAbort = () => {
      cut = setTimeout(() => this.cut(), CANCEL_WAIT_MS)
      cancelled = this.#cancel()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await run()
    } catch (error) {
      await cancelled
      if (cancelled !== undefined) throw signal?.reason
      throw statementFailure(error, this.endpoint, sql)
    } finally {
      // The cancel request must not hit the next statement.
      signal?.removeEventListener('abort', onAbort)
      await cancelled
      clearTimeout(cut)
    }
  }

  /** Cancels through a second connection, which works behind any proxy; where the server lets none in, as into a closed database, by the protocol's own
   *  request: whoever is inside such a one cannot come back, and must not be cut. Failing that it cuts the connection, which the server's check
   *  interval notices. */
  async #cancel(): Promise<void> {
    try {
      await this.#cancelByConnection().catch(() => this.#cancelByKey())
    } catch {
      this.cut()
    }
  }

  async #cancelByConnection(): Promise<void> {
    const other = new GuardedClient({
      ...clientConfig(this.#options),
      application_name: 'capstan cancel',
      connectionTimeoutMillis: CANCEL_WAIT_MS,
    })
    other.on('error', () => undefined)
    await other.connect()
    await other.query('SELECT pg_catalog.pg_cancel_backend($1)', [this.backendPid])
    await other.end()
  }

  async #cancelByKey(): Promise<void> {
    // a server that stands still has used up the time already
    if (!this.open) return
    const key = cancelKeyOf(this.#client)
    if (key === null) throw lost(this.endpoint, 'it gave no key to cancel with')
    const { host, port, sourceAddress } = this.#options
    await requestCancel(key, { host, port, localAddress: sourceAddress, waitMs: CANCEL_WAIT_MS })
  }

  cut(): void {
    this.open = false
    driverStream(this.#client)?.destroy()
  }
}

/** Several statements in one text give a list, which the driver's types do not say. */
function resultsOf<T extends object>(result: QueryResult<T> | QueryResult<T>[]): QueryResult<T>[] {
  return Array.isArray(result) ? result : [result]
}

function handshakePid(client: Client): number | null {
  return 'processID' in client && typeof client.processID === 'number' ? client.processID : null
}

function driverStream(client: Client): { destroy(): void } | undefined {
  const connection: unknown = 'connection' in client ? client.connection : undefined
  if (typeof connection !== 'object' || connection === null || !('stream' in connection)) return undefined
  const { stream } = connection
  if (typeof stream !== 'object' || stream === null || !('destroy' in stream) || typeof stream.destroy !== 'function')
    return undefined
  return { destroy: stream.destroy.bind(stream) }
}

/** Session locks and transactions over several statements need one backend of their own. Throws POOLER_REFUSED. */
export function refusePooler(session: Session): void {
  if (!session.pooled) return
  throw failure(
    'POOLER_REFUSED',
    `${session.endpoint.host}:${session.endpoint.port} is a connection pooler; locks and schema changes need the server's own address.`,
    { host: session.endpoint.host, port: session.endpoint.port },
  )
}

/** Runs `work` in a transaction: committed when it resolves, rolled back when it throws. */
export async function inTransaction<T>(session: Session, work: () => Promise<T>, begin = 'BEGIN'): Promise<T> {
  try {
    await session.execute(begin)
    const result = await work()
    await session.execute('COMMIT')
    return result
  } catch (error) {
    if (session.open) await session.execute('ROLLBACK').catch(() => undefined)
    throw error
  }
}
