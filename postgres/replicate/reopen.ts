/** A source that was closed is opened to applications again, once nothing in it takes them for somebody who writes into a database that follows. While the way back is
 *  enabled the guard upon its tables (guard.ts) turns writers away, and nobody comes into a closed database to disable it: so where the workers of the way back were let
 *  in it is opened to its own roles first, by its grants, and to everybody else once that is done. */
import { Failure } from '../../contracts/failures'
import type { Session } from '../connect/session'
import { type LowerInput, openDatabases } from '../fence/lower'
import { giveBack, type KeepOutInput, keepOut } from './keep-out'

export interface ReopenInput extends LowerInput, Pick<KeepOutInput, 'database' | 'keep'> {
  /** In the source's database, as one of `keep`: has the way back carry nothing any more. What it throws leaves applications kept out. */
  readonly stopWayBack: () => Promise<void>
}

export interface Reopened {
  readonly opened: readonly string[]
  /** From whom the right to connect was taken, and who has it again. */
  readonly back: readonly string[]
}

/** `session`: in the keyhole of the source. Safe to repeat from wherever it ended. Throws as `openDatabases`, and what `stopWayBack` throws; FENCED_OFF. */
export async function reopenSource(
  session: Session,
  { raisedBy, database, keep, token, signal, stopWayBack }: ReopenInput,
): Promise<Reopened> {
  if (await lettingWorkersIn(session, { raisedBy, database })) {
    await keepOut(session, { database, token, signal, operation: raisedBy, keep }).catch(unlessRefused)
  }
  const opened = await openDatabases(session, { raisedBy, token, signal })
  await stopWayBack()
  const { back } = await giveBack(session, { database, token, operation: raisedBy })
  return { opened, back }
}

/** Before that no way back was enabled, and nobody has to be kept out meanwhile. */
async function lettingWorkersIn(
  session: Session,
  { raisedBy, database }: Pick<ReopenInput, 'raisedBy' | 'database'>,
): Promise<boolean> {
  const rows = await session.query(
    `SELECT FROM capstan.closed_database c JOIN pg_catalog.pg_database d ON d.oid = c.oid
      WHERE d.datname = $1 AND c.operation = $2 AND c.connection_limit IS NOT NULL`,
    [database, raisedBy],
  )
  return rows.length > 0
}

/** Grants that are not ours to take, or a session that does not end: a writer who is turned away for a moment is better off than one who is shut out for good. */
function unlessRefused(error: unknown): void {
  if (!(error instanceof Failure) || !['FENCE_REFUSED', 'CREDENTIALS_REJECTED'].includes(error.code)) throw error
}
