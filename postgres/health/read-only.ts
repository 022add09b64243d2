/** Asks one check in a way that cannot hurt: a read-only transaction of its own, which is short, waits for no lock longer than an
 *  application would notice, and ends by itself. What it may not do is an answer too, and never a failure of the whole. */
import { CHECKS, type NotKnown } from '../../contracts/health'
import { ServerError } from '../connect/errors'
import { inTransaction, type Session } from '../connect/session'
import type { Check, Found } from './check'
import type { HealthLimits } from './finding'

const STATEMENT_TIMEOUT_MS = 10_000
const LOCK_TIMEOUT_MS = 200

/** Settings end with the transaction: behind a pooler the next one would have them otherwise. The path, because an operator that somebody made
 *  for the very types of a comparison would be taken before PostgreSQL's own, and run with our rights. */
const LIMITS = `SELECT pg_catalog.set_config('statement_timeout', '${STATEMENT_TIMEOUT_MS}ms', true),
  pg_catalog.set_config('lock_timeout', '${LOCK_TIMEOUT_MS}ms', true), pg_catalog.set_config('search_path', 'pg_catalog', true)`

/** Runs `work` in such a transaction. */
export async function readOnly<T>(session: Session, work: () => Promise<T>): Promise<T> {
  return inTransaction(session, work, `BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; ${LIMITS}`)
}

export interface Answer {
  readonly findings: Found['findings']
  readonly notKnown: readonly NotKnown[]
}

/** Throws CONNECTION_LOST, or the signal's reason. */
export async function ask(
  session: Session,
  check: Check,
  limits: HealthLimits,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const database = check.scope === 'instance' ? null : session.endpoint.database
  const notKnown = (why: string): NotKnown => ({ check: check.id, database, why })
  try {
    const { findings, unseen } = await readOnly(session, () =>
      check.find({
        query: (sql, values = []) => session.query(sql, values, { signal }),
        database: session.endpoint.database,
        limits,
      }),
    )
    const over = findings.length - limits.findingsMax
    return {
      findings: findings.slice(0, limits.findingsMax),
      notKnown: [
        ...(unseen === undefined ? [] : [notKnown(unseen)]),
        ...(over > 0 ? [notKnown(`More than ${limits.findingsMax} were found; the worst of them are told.`)] : []),
      ],
    }
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    return { findings: [], notKnown: [notKnown(whyNot(error, session.endpoint.user, CHECKS[check.id]))] }
  }
}

/** What a refusal means: insufficient_privilege, query_canceled, lock_not_available and others. */
export function whyNot({ sqlState, message }: ServerError, role: string, what: string): string {
  if (sqlState === '42501')
    return `The role ${role} may not see ${what} (${message}): grant it pg_monitor, or look as another role.`
  if (sqlState === '57014')
    return `Looking at ${what} was stopped after at most ${STATEMENT_TIMEOUT_MS / 1_000} s: try again when the database is less busy.`
  if (sqlState === '55P03')
    return `Somebody holds a lock in the way of looking at ${what}, and nothing waits for it here: look again later.`
  return `PostgreSQL could not tell ${what}: ${message} (SQLSTATE ${sqlState}).`
}
