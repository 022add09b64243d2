/** Connections to the ledger: a small lazy pool under kysely. Opening costs nothing; the first query connects. */
import { Kysely, PostgresDialect } from 'kysely'
import { Pool, type PoolConfig } from 'pg'
import { failure } from '../contracts/failures'
import type { LedgerTables } from './tables'

/** One worker runs some dozens of activities at once; each holds a connection for milliseconds. */
const CONNECTIONS_MAX = 8
const CONNECT_TIMEOUT_MS = 5_000
/** Longer than any statement here takes on a healthy server, shorter than an activity's time-out. */
const STATEMENT_TIMEOUT_MS = 20_000

export type LedgerDatabase = Kysely<LedgerTables>

export interface LedgerTarget {
  /** `postgres://user:password@host:port/database` */
  readonly url: string
  readonly applicationName: string
}

/** Host and port for messages: never the password. */
export function whereOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw failure('OPTION_INVALID', 'The ledger URL is not of the form postgres://user:password@host:port/database.', {
      option: 'CAPSTAN_LEDGER_URL',
    })
  }
  return `${parsed.hostname === '' ? 'localhost' : parsed.hostname}:${parsed.port === '' ? '5432' : parsed.port}`
}

export function connectLedger(target: LedgerTarget): LedgerDatabase {
  const settings: PoolConfig = {
    connectionString: target.url,
    application_name: target.applicationName,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS + CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 10_000,
    allowExitOnIdle: true,
  }
  const openPool = async (): Promise<Pool> => {
    const pool = new Pool(settings)
    // An idle connection that the server closes is replaced at the next query; without a listener it would end the process.
    pool.on('error', () => undefined)
    return pool
  }
  return new Kysely<LedgerTables>({ dialect: new PostgresDialect({ pool: openPool }) }).withSchema('ledger')
}
