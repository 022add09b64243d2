/** Connections to the ledger: a small lazy pool under kysely. Opening costs nothing; the first query connects. */
import { Kysely, PostgresDialect } from 'kysely'
import { Pool, type PoolConfig } from 'pg'
import { Failure, failure } from '../contracts/failures'
import { GuardedClient } from '../postgres/connect/guarded-client'
import { type ParsedUrl, parsePostgresUrl } from '../postgres/connect/url'
import type { LedgerTables } from './tables'

/** One worker runs some dozens of activities at once; each holds a connection for milliseconds. */
const CONNECTIONS_MAX = 8
const CONNECT_TIMEOUT_MS = 5_000
/** Longer than any statement here takes on a healthy server, shorter than an activity's time-out. */
const STATEMENT_TIMEOUT_MS = 20_000

export type LedgerDatabase = Kysely<LedgerTables>

export type LedgerTarget = ParsedUrl

/** `postgres://user:password@host:port/database?sslmode=…`. Fails with OPTION_INVALID. */
export function parseLedgerUrl(url: string, applicationName: string): LedgerTarget {
  try {
    return parsePostgresUrl(url, { applicationName })
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'OPTION_INVALID') throw error
    throw failure('OPTION_INVALID', `CAPSTAN_LEDGER_URL is not right. ${error.message}`, { variable: 'CAPSTAN_LEDGER_URL' })
  }
}

export function connectLedger(target: LedgerTarget): LedgerDatabase {
  const { host, port, database, user, password, applicationName, tls = 'disable' } = target
  const settings: PoolConfig = {
    host,
    port,
    database,
    user,
    password,
    ssl: tls === 'disable' ? false : { rejectUnauthorized: tls === 'verify-full' },
    application_name: applicationName,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS + CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 10_000,
    allowExitOnIdle: true,
  }
  const openPool = async (): Promise<Pool> => {
    const pool = new Pool({ ...settings, Client: GuardedClient })
    // An idle connection that the server closes is replaced at the next query; without a listener it would end the process.
    pool.on('error', () => undefined)
    // nor may one that it closes under a statement, which the pool leaves to whoever holds it: the statement itself is rejected
    pool.on('connect', (client) => client.on('error', () => undefined))
    return pool
  }
  return new Kysely<LedgerTables>({ dialect: new PostgresDialect({ pool: openPool }) }).withSchema('ledger')
}
