/** How everything here is changed: in one transaction that looks at the database's fence row first, so that a worker that was paused, or a zombie
 *  beside its own retry, cannot act; and that waits for a lock no longer than others can bear to wait behind it. */
import { type Failure, failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { inTransaction, type Session } from '../connect/session'
import { assertFence, type FenceToken, inFencedTransaction } from '../migrate/fence'

export interface Guarded {
  /** The one that stands in this database's fence row. Absent: nobody else acts here, as in a test. */
  readonly token?: FenceToken | undefined
  readonly signal?: AbortSignal | undefined
}

const LOCK_TIMEOUT = '10s'
const WAITS = `SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'; `

/** Throws FENCED_OFF, NOT_READY_YET for a lock that others hold, CREDENTIALS_REJECTED for a right that is lacking; `toDo` says then what to grant. */
export async function behindFence<T>(session: Session, guarded: Guarded, toDo: string, work: () => Promise<T>): Promise<T> {
  guarded.signal?.throwIfAborted()
  return explained(session, toDo, () =>
    guarded.token === undefined
      ? inTransaction(session, work, `BEGIN; ${WAITS}`)
      : inFencedTransaction(session, guarded.token, work, WAITS),
  )
}

/** Statements of one transaction, and what is asked once it is committed, in two round trips. None may need a value. Throws as `behindFence`. */
export async function statedBehindFence<T extends object>(
  session: Session,
  { token, signal }: Guarded,
  toDo: string,
  { statements, asked }: { readonly statements: readonly string[]; readonly asked: string },
): Promise<T[]> {
  signal?.throwIfAborted()
  return explained(session, toDo, async () => {
    try {
      if (token === undefined) await session.execute(`BEGIN; ${WAITS}`)
      else await assertFence(session, token, `BEGIN; ${WAITS}`)
      return await session.query<T>([...statements, 'COMMIT', asked].join('; '))
    } catch (error) {
      if (session.open) await session.execute('ROLLBACK').catch(() => undefined)
      throw error
    }
  })
}

/** For a statement that no transaction may hold: looks at the row right before. */
export async function assertBefore(session: Session, { token, signal }: Guarded): Promise<void> {
  signal?.throwIfAborted()
  if (token !== undefined) await inTransaction(session, () => assertFence(session, token))
}

/** Two attempts at once would fail each other. Until the transaction ends. */
export async function oneAtATime(session: Session, name: string): Promise<void> {
  await session.query('SELECT pg_catalog.pg_advisory_xact_lock($1, pg_catalog.hashtext($2))', [STANDBY_LOCK, name])
}

const STANDBY_LOCK = 0x63617374

export async function explained<T>(session: Session, toDo: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof ServerError ? (inWords(session, error, toDo) ?? error) : error
  }
}

function inWords({ endpoint: { user, database, host } }: Session, error: ServerError, toDo: string): Failure | null {
  const facts = { user, database, host, sqlState: error.sqlState }
  if (error.sqlState === '42501') {
    const message = `${user} may not do this in ${database} on ${host} (${error.message}): ${toDo}, then try again.`
    return failure('CREDENTIALS_REJECTED', message, facts, { cause: error })
  }
  // lock_not_available, deadlock_detected, serialization_failure
  if (!['55P03', '40P01', '40001'].includes(error.sqlState)) return null
  const message = `Others hold locks in ${database} on ${host} that were waited for, ${LOCK_TIMEOUT} at most (${error.sqlState}): nothing was changed; try again.`
  return failure('NOT_READY_YET', message, facts, { cause: error })
}
