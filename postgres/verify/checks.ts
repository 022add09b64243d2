/** Declared checks on a database: row counts, invariants, smoke queries. Each runs alone in a read-only transaction with a time limit; only
 *  numbers of rows leave the database, never a value. A check that says no, or whose query fails, is returned and not thrown. */
import { Failure, failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { quoteIdentifier } from '../connect/quote'
import { inTransaction, type Session } from '../connect/session'
import { GrammarError, loadGrammar, parseStatements } from '../migrate/grammar'
import { splitStatements } from '../migrate/split'

export interface SqlCheck {
  readonly id: string
  readonly title: string
  /** One SELECT. */
  readonly sql: string
}

export interface RowCountCheck {
  /** `schema.table`, or `table` for schema public. */
  readonly table: string
  /** Fewer rows than this are a finding. */
  readonly atLeast?: number
  readonly atMost?: number
}

export interface CheckList {
  readonly rowCounts?: readonly RowCountCheck[]
  /** Queries that return violations: no row is right. */
  readonly invariants?: readonly SqlCheck[]
  /** Queries that must succeed and return at least one row. */
  readonly smoke?: readonly SqlCheck[]
}

export interface CheckResult {
  readonly id: string
  readonly kind: 'row-count' | 'invariant' | 'smoke' | 'fingerprint'
  readonly title: string
  readonly ok: boolean
  /** Rows, or null when the query failed. */
  readonly measured: number | null
  /** In words: `at least 300,000 rows`. */
  readonly allowed: string
  readonly message: string
  /** Why the query failed: five characters. */
  readonly sqlState?: string
  readonly durationMs: number
}

export interface CheckOptions {
  /** For each invariant and smoke query. Default 30,000. */
  readonly statementTimeoutMs?: number
  /** For each table whose rows are counted, which reads all of it. Default 600,000. */
  readonly countTimeoutMs?: number
  readonly signal?: AbortSignal
}

const STATEMENT_TIMEOUT_MS = 30_000
const COUNT_TIMEOUT_MS = 600_000

/** In the order given: row counts, invariants, smoke queries. Throws OPTION_INVALID for a check that is not one SELECT, CONNECTION_LOST, or the
 *  signal's reason. */
export async function runChecks(session: Session, checks: CheckList, options: CheckOptions = {}): Promise<CheckResult[]> {
  await loadGrammar()
  const results: CheckResult[] = []
  for (const check of checks.rowCounts ?? []) results.push(await rowCountCheck(session, check, options))
  for (const check of checks.invariants ?? []) results.push(await invariantCheck(session, check, options))
  for (const check of checks.smoke ?? []) results.push(await smokeCheck(session, check, options))
  return results
}

/** undefined_table, invalid_schema_name */
const MISSING = new Set(['42P01', '3F000'])

/** The statement was cancelled, by its time limit or by somebody. */
const CANCELED = '57014'

/** Exact counts by table name as given. A table that does not exist yet is left out: a migration may be about to make it. Throws
 *  DATABASE_REFUSED for a table that takes longer than `countTimeoutMs`, or the signal's reason. */
export async function countRows(
  session: Session,
  tables: readonly string[],
  options: Pick<CheckOptions, 'countTimeoutMs' | 'signal'> = {},
): Promise<Record<string, number>> {
  const timeoutMs = options.countTimeoutMs ?? COUNT_TIMEOUT_MS
  const counts: Record<string, number> = {}
  for (const table of tables) {
    try {
      counts[table] = await readOnly(session, timeoutMs, () => countOf(session, `SELECT FROM ${tableText(table)}`, options))
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      if (error.sqlState === CANCELED) throw countFailure(table, timeoutMs, error)
      if (!MISSING.has(error.sqlState)) throw error
    }
  }
  return counts
}

function countFailure(table: string, timeoutMs: number, error: ServerError): Failure {
  return failure(
    'DATABASE_REFUSED',
    `Counting the rows of ${table} was stopped after at most ${timeoutMs} ms, which is what a count is allowed (${error.message}): take the table out of the row counts, or count when the database is less busy.`,
    { table, countTimeoutMs: timeoutMs, sqlState: error.sqlState },
  )
}

async function rowCountCheck(session: Session, check: RowCountCheck, options: CheckOptions): Promise<CheckResult> {
  const { table, atLeast, atMost } = check
  const allowed = [
    ...(atLeast === undefined ? [] : [`at least ${grouped(atLeast)} rows`]),
    ...(atMost === undefined ? [] : [`at most ${grouped(atMost)} rows`]),
  ].join(' and ')
  return runOne(
    session,
    {
      id: `rows-${table}`,
      kind: 'row-count',
      title: `Rows of ${table}`,
      allowed: allowed === '' ? 'any number of rows' : allowed,
    },
    options.countTimeoutMs ?? COUNT_TIMEOUT_MS,
    () => countOf(session, `SELECT FROM ${tableText(table)}`, options),
    (rows) => rows >= (atLeast ?? 0) && rows <= (atMost ?? Number.POSITIVE_INFINITY),
  )
}

async function invariantCheck(session: Session, { id, title, sql }: SqlCheck, options: CheckOptions): Promise<CheckResult> {
  const query = singleSelect(sql, `invariant ${id}`)
  const about = { id, kind: 'invariant' as const, title, allowed: 'no violations' }
  return runOne(
    session,
    about,
    options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
    () => countOf(session, query, options),
    (rows) => rows === 0,
  )
}

async function smokeCheck(session: Session, { id, title, sql }: SqlCheck, options: CheckOptions): Promise<CheckResult> {
  const query = singleSelect(sql, `smoke query ${id}`)
  const about = { id, kind: 'smoke' as const, title, allowed: 'at least 1 row' }
  return runOne(
    session,
    about,
    options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
    () => fetchSome(session, query, options),
    (rows) => rows > 0,
  )
}

type About = Pick<CheckResult, 'id' | 'kind' | 'title' | 'allowed'>

async function runOne(
  session: Session,
  about: About,
  timeoutMs: number,
  measure: () => Promise<number>,
  judge: (rows: number) => boolean,
): Promise<CheckResult> {
  const started = performance.now()
  const finish = (result: Pick<CheckResult, 'ok' | 'measured' | 'message' | 'sqlState'>) => ({
    ...about,
    ...result,
    durationMs: Math.round(performance.now() - started),
  })
  try {
    const measured = await readOnly(session, timeoutMs, measure)
    const ok = judge(measured)
    return finish({ ok, measured, message: `${about.title}: found ${grouped(measured)} rows, allowed ${about.allowed}.` })
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    return finish({
      ok: false,
      measured: null,
      message: `${about.title}: the query failed: ${error.message} (SQLSTATE ${error.sqlState}).`,
      sqlState: error.sqlState,
    })
  }
}

async function readOnly<T>(session: Session, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  return inTransaction(
    session,
    async () => {
      await session.query(`SELECT set_config('statement_timeout', $1, true)`, [`${timeoutMs}ms`])
      return work()
    },
    'BEGIN READ ONLY',
  )
}

async function countOf(session: Session, query: string, { signal }: Pick<CheckOptions, 'signal'>): Promise<number> {
  const [row] = await session.query<{ rows: number }>(`SELECT count(*) AS rows FROM (\n${query}\n) AS counted`, [], { signal })
  return row?.rows ?? 0
}

/** Evaluates its columns too, which a count would not; up to 1,000 rows. */
async function fetchSome(session: Session, query: string, { signal }: CheckOptions): Promise<number> {
  await session.execute(`DECLARE capstan_smoke NO SCROLL CURSOR FOR\n${query}`, { signal })
  return session.execute('FETCH FORWARD 1000 FROM capstan_smoke', { signal })
}

/** The query without its semicolon. Throws OPTION_INVALID unless it is exactly one SELECT. */
export function singleSelect(sql: string, what: string): string {
  try {
    const statements = splitStatements(what, sql)
    const [only] = statements
    if (only !== undefined && statements.length === 1) {
      const [parsed, ...more] = parseStatements(only.sql)
      if (parsed?.type === 'SelectStmt' && parsed.node.intoClause === undefined && more.length === 0) return only.sql
    }
  } catch (error) {
    if (!(error instanceof GrammarError) && !(error instanceof Failure)) throw error
    throw failure('OPTION_INVALID', `The ${what} cannot be read: ${error.message}.`, { check: what })
  }
  throw failure('OPTION_INVALID', `The ${what} has to be exactly one SELECT.`, { check: what })
}

function tableText(table: string): string {
  const parts = table.split('.')
  return (parts.length === 1 ? ['public', ...parts] : parts).map(quoteIdentifier).join('.')
}

function grouped(value: number): string {
  return value.toLocaleString('en-US')
}
