/** Whether a server takes writes, by asking it to take one. */
import { failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import type { Session } from '../connect/session'
import { readFence } from '../migrate/fence'

export interface WriterWord {
  readonly takesWrites: boolean
  /** Of the row of who may act in this database. */
  readonly epoch: number
  /** For example `17.4`. */
  readonly version: string
}

/** The very statement that an act of ours begins with, and nothing of it is kept: of a replica, and of a server that is set to read only, it is refused. As the migrator. */
const PROBE = `BEGIN; SET LOCAL lock_timeout = '1s'; UPDATE capstan.fence SET epoch = epoch WHERE singleton; ROLLBACK`

/** `read_only_sql_transaction`: by recovery, or by `default_transaction_read_only`. */
const READ_ONLY = '25006'
const LOCK_NOT_AVAILABLE = '55P03'

/** Of a database that bears such a row. Throws NOT_READY_YET while somebody holds it, ServerError, CONNECTION_LOST. */
export async function writerWord(session: Session, signal: AbortSignal): Promise<WriterWord> {
  const { epoch } = await readFence(session)
  const [row] = await session.query<{ version: string }>(
    `SELECT split_part(current_setting('server_version'), ' ', 1) AS version`,
    [],
    { signal },
  )
  return { takesWrites: await takesWrites(session, signal), epoch, version: row?.version ?? '' }
}

async function takesWrites(session: Session, signal: AbortSignal): Promise<boolean> {
  try {
    await session.execute(PROBE, { signal })
    return true
  } catch (error) {
    if (session.open) await session.execute('ROLLBACK').catch(() => undefined)
    if (!(error instanceof ServerError)) throw error
    if (error.sqlState === READ_ONLY) return false
    if (error.sqlState !== LOCK_NOT_AVAILABLE) throw error
    const { host } = session.endpoint
    throw failure('NOT_READY_YET', `The row of who may act on ${host} is held by somebody.`, { host }, { cause: error })
  }
}
