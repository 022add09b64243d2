/** Deadlines of what is done while nobody is served. A server that stands still answers no statement and cancels none either: at the end of its time a stage
 *  is cut off from its sessions, so that nothing of it goes on behind the back of whoever takes it back. */
import { failure } from '../../contracts/failures'
import type { Session } from '../../postgres/connect/session'

interface InTime {
  readonly stage: string
  readonly limitMs: number
  readonly sessions: readonly Session[]
  readonly spared?: readonly Session[]
}

/** Statements and locks, so that the server itself gives up first. */
export async function limitStatements(sessions: readonly Session[]): Promise<void> {
  for (const session of sessions) {
    await session.set('statement_timeout', '20s')
    await session.set('lock_timeout', '5s')
  }
}

/** For the work to end by itself, once its sessions are gone. */
const ENDING_MS = 3_000

/** Closes the sessions where the stage is not through in time, and throws BARRIER_NOT_PASSED then. `spared`: those by which the fence is lowered then, which are
 *  closed only where the work does not end without. */
export async function inTime<T>({ stage, limitMs, sessions, spared = [] }: InTime, work: () => Promise<T>): Promise<T> {
  let late = false
  const timer = setTimeout(() => {
    late = true
    for (const session of sessions) void session.close()
  }, limitMs)
  const last = setTimeout(() => {
    for (const session of spared) void session.close()
  }, limitMs + ENDING_MS)
  try {
    return await work()
  } catch (error) {
    if (!late) throw error
    const message = `Nobody was served, and ${stage} took longer than the ${limitMs / 1000} s that it was given: look which server stands still.`
    throw failure('BARRIER_NOT_PASSED', message, { stage }, { cause: error })
  } finally {
    clearTimeout(timer)
    clearTimeout(last)
  }
}
