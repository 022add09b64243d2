/** What the parts of one run share, and the transactions that it consists of. */
import { failure } from '../../contracts/failures'
import { lost, type ServerError } from '../connect/errors'
import type { Session } from '../connect/session'
import { assertFence, type FenceToken } from '../migrate/fence'
import type { RecoveryProgress, RowRecoveryPlan } from './recovered'

export interface RecoveryRun {
  readonly plan: RowRecoveryPlan
  /** Writes, and looks for names in pg_catalog only: in the schemas of whoever logs in others may make functions that would act as us. */
  readonly work: Session
  /** The search path of whoever logs in. */
  readonly loginPath: string
  /** Holds the migration lock. */
  readonly monitor: Session
  readonly token: FenceToken
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: RecoveryProgress) => void) | undefined
}

const LIMITS = `SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '60s'; SET CONSTRAINTS ALL IMMEDIATE`

/** Committed when `work` resolves and the lock is still held, undone when it throws. Throws FENCED_OFF, CONNECTION_LOST, or what `work` throws. */
export async function fenced<T>(run: RecoveryRun, work: (session: Session) => Promise<T>): Promise<T> {
  const { work: session, monitor, token, signal } = run
  signal?.throwIfAborted()
  try {
    await assertFence(session, token, `BEGIN; ${LIMITS}; `)
    const result = await work(session)
    if (!monitor.open) throw lost(monitor.endpoint, 'the migration lock went with it')
    await session.execute('COMMIT')
    return result
  } catch (error) {
    if (session.open) await session.execute('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** From now on names are looked for in pg_catalog only. Resolves to the search path that it had. */
export async function pinPath(session: Session): Promise<string> {
  const [was] = await session.query<{ path: string }>(`SELECT pg_catalog.current_setting('search_path') AS path`)
  await session.set('search_path', 'pg_catalog')
  return was?.path ?? ''
}

/** `work` with the search path of whoever logs in: triggers, defaults and checks find what they find for an application. Its own statements have to
 *  qualify every function and operator. `session`: within a transaction of `fenced`. */
export async function asLogin<T>({ loginPath }: RecoveryRun, session: Session, work: () => Promise<T>): Promise<T> {
  await session.query(`SELECT pg_catalog.set_config('search_path', $1, true)`, [loginPath])
  const result = await work()
  await session.execute('SET LOCAL search_path = pg_catalog')
  return result
}

/** A statement that PostgreSQL refused, as a failure. */
export function refusedBy(error: ServerError, table: string): Error {
  const { message, sqlState } = error
  return failure(
    'DATABASE_REFUSED',
    `Bringing rows back to ${table} was refused: ${message} (SQLSTATE ${sqlState}). What came back before stays; mend it, and ask for the same once more, with its --digest: it goes on.`,
    { table, sqlState },
    { cause: error },
  )
}
