/** One SELECT that answers one boolean, and changes nothing: whether something holds. It is somebody's own SQL, so that it runs with a time limit in a
 *  transaction that cannot write. */
import { failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import type { Session } from '../connect/session'
import { asList, asNode, GrammarError, loadGrammar, parseStatements } from '../migrate/grammar'

/** What is asked may read whole tables. */
const TIME_LIMIT = '10min'

/** Throws OPTION_INVALID for what is not one SELECT of one value that only reads. Asks nobody. */
export async function refuseNoPredicate(sql: string): Promise<void> {
  await loadGrammar()
  const why = whyNone(sql)
  if (why === null) return
  const message = `--holds ${why}: give one SELECT that answers true or false, such as SELECT count(*) > 1000 FROM public.orders.`
  throw failure('OPTION_INVALID', message, { option: 'holds' })
}

function whyNone(sql: string): string | null {
  let parsed: ReturnType<typeof parseStatements>
  try {
    parsed = parseStatements(sql)
  } catch (error) {
    if (error instanceof GrammarError) return `is no SQL that PostgreSQL reads (${error.message})`
    throw error
  }
  const [first, ...more] = parsed
  if (first === undefined) return 'is empty'
  if (more.length > 0) return 'is more than one statement'
  if (first.type !== 'SelectStmt') return 'is no SELECT'
  if (mentions(first.node, WRITING)) return 'writes or locks rows'
  const [column, ...others] = asList(first.node.targetList)
  return column === undefined || others.length > 0 || isStar(column) ? 'does not select one value' : null
}

/** `*`, or `t.*`: as many values as there are columns. */
function isStar(column: unknown): boolean {
  const { fields } = asNode(asNode(asNode(asNode(column).ResTarget).val).ColumnRef)
  return asList(fields).some((field) => 'A_Star' in asNode(field))
}

/** Of PostgreSQL's grammar. */
const WRITING: ReadonlySet<string> = new Set([
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'intoClause',
  'lockingClause',
])

function mentions(node: unknown, words: ReadonlySet<string>): boolean {
  if (Array.isArray(node)) return node.some((one) => mentions(one, words))
  if (typeof node !== 'object' || node === null) return false
  return Object.entries(node).some(([name, value]) => words.has(name) || mentions(value, words))
}

/** One column, named here. */
const asTable = (sql: string): string => `(\n${sql.replace(/;\s*$/, '')}\n) AS asked (answer)`

/** Whether the database could answer: why not, or null. Plans it and runs nothing of it. Throws as `refuseNoPredicate`: what closes the bracket that it is
 *  put into would be another statement, and whoever began the operation may not have asked that. */
export async function preparePredicate(session: Session, sql: string): Promise<string | null> {
  await refuseNoPredicate(sql)
  const explained = await readOnly(session, () =>
    session.query(`EXPLAIN SELECT CASE WHEN asked.answer THEN 1 END FROM ${asTable(sql)}`),
  )
  return typeof explained === 'string' ? explained : null
}

/** `role`: who answered it, as PostgreSQL calls it. */
export type PredicateAnswer = { readonly holds: boolean; readonly role: string } | { readonly why: string }

/** Asks it. `why`: it has no answer of true or false. Throws as `refuseNoPredicate`, CONNECTION_LOST or the signal's reason. */
export async function askPredicate(
  session: Session,
  sql: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<PredicateAnswer> {
  await refuseNoPredicate(sql)
  const rows = await readOnly(session, () =>
    session.query<{ type: string; answer: string | null; role: string }>(
      `SELECT pg_catalog.pg_typeof(asked.answer)::pg_catalog.text AS type, asked.answer::pg_catalog.text AS answer, current_user::pg_catalog.text AS role FROM ${asTable(sql)} LIMIT 2`,
      [],
      { signal },
    ),
  )
  signal.throwIfAborted()
  if (typeof rows === 'string') return { why: rows }
  const [only, second] = rows
  if (only === undefined) return { why: 'it gives no row' }
  if (second !== undefined) return { why: 'it gives more than one row' }
  if (only.type !== 'boolean') return { why: `it gives ${only.type} and not boolean: compare it with something` }
  if (only.answer === null) return { why: 'it gives null: say with coalesce whether that is true or false' }
  return { holds: only.answer === 'true', role: only.role }
}

/** With row-level security a role counts the rows that it may see and calls them all: without it, PostgreSQL refuses instead. */
const LIMITS = `SET LOCAL statement_timeout = '${TIME_LIMIT}'; SET LOCAL lock_timeout = '10s'; SET LOCAL row_security = off`

/** Rolled back whatever it did. Resolves to PostgreSQL's words where that refuses; PostgreSQL's own classes for what passes by itself are thrown on. */
async function readOnly<T>(session: Session, work: () => Promise<T>): Promise<T | string> {
  await session.execute(`BEGIN READ ONLY; ${LIMITS}`)
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ServerError) || PASSES.test(error.sqlState)) throw error
    return `PostgreSQL says ${withoutData(error)}`
  } finally {
    if (session.open) await session.execute('ROLLBACK')
  }
}

/** lock_not_available, deadlocks, a full disk or memory, a server that goes down. */
const PASSES = /^(55P03|40|53|57P|58)/

/** What names only objects may be repeated; other messages may hold a row's values. */
function withoutData({ sqlState, message }: ServerError): string {
  if (sqlState === '57014') return `that it took longer than ${TIME_LIMIT}, or was cancelled (SQLSTATE 57014)`
  return /^(42|25|3F)/.test(sqlState) ? `${message} (SQLSTATE ${sqlState})` : `no (SQLSTATE ${sqlState})`
}
