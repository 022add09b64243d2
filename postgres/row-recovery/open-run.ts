/** What a run begins with, whichever part of the work it does: the migration lock, a session that writes under the fence, the control schema. */
import { ServerError } from '../connect/errors'
import { refusePooler, type Session } from '../connect/session'
import { ensureControlSchema } from '../migrate/control-schema'
import { type FenceToken, readFence, tagSession } from '../migrate/fence'
import { acquireLock, releaseLock } from '../migrate/lock'
import type { RecoveryDoors } from './plan'
import { refusePublished } from './published'
import type { RowRecoveryPlan } from './recovered'
import { pinPath, type RecoveryRun, refusedBy } from './run'

export interface RunOptions extends Pick<RecoveryDoors, 'live' | 'signal' | 'onProgress'> {
  readonly plan: RowRecoveryPlan
  /** Without it the run takes the fence as it stands and stops when it changes. */
  readonly fence?: FenceToken
  /** The tables of the schema `capstan` may go to subscribers. Without it nothing is written where a publication would carry them on. */
  readonly published?: boolean
  /** How long to wait for a migration's lock. Default 10,000. */
  readonly lockWaitMs?: number
}

/** Everything is closed again whatever happens. Throws ROWS_UNRECOVERABLE for a publication, MIGRATION_LOCK_HELD, CONTROL_SCHEMA_FOREIGN, or what
 *  connecting and `work` throw. */
export async function withRun<T>(options: RunOptions, work: (run: RecoveryRun) => Promise<T>): Promise<T> {
  const { plan, live, signal, onProgress } = options
  const opened: Session[] = []
  const open = async (): Promise<Session> => {
    const session = await live()
    opened.push(session)
    refusePooler(session)
    return session
  }
  try {
    const monitor = await open()
    await acquireLock(monitor, { waitMs: options.lockWaitMs ?? 10_000, signal })
    const writer = await open()
    const loginPath = await pinPath(writer)
    if (!options.published) await refusePublished(writer)
    await ensureControlSchema(writer)
    const token = options.fence ?? (await readFence(writer))
    for (const session of [writer, monitor]) await tagSession(session, token)
    // an error instead of fewer rows; money as the copy writes it
    for (const [name, value] of [
      ['row_security', 'off'],
      ['lc_monetary', 'C'],
    ] as const)
      await writer.set(name, value)
    const result = await work({ plan, work: writer, loginPath, monitor, token, signal, onProgress })
    await releaseLock(monitor)
    return result
  } catch (error) {
    throw error instanceof ServerError ? refusedBy(error, plan.live.database) : error
  } finally {
    await Promise.all(opened.map((session) => session.close()))
  }
}
