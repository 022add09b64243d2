/** Where copies of a database's snapshots are: another region of its cloud and account, asked with the same credentials. */
import { limitedTo } from '../../clouds/limit'
import type { ManagedPostgres } from '../../clouds/port'
import { WORDS_OF_A_REGION } from '../../contracts/copies-place'
import { Failure, failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import { currentAct, runAct } from '../act'
import type { ActivityDeps } from '../deps'

/** `region`: null or left out for the database's own. */
export function cloudIn(
  cloudOf: ActivityDeps['cloudOf'],
  database: DatabaseEntry,
  region: string | null | undefined,
): ManagedPostgres {
  return cloudOf(region === null || region === undefined ? database : { ...database, region })
}

/** One that hangs must not keep whoever waits for the others. */
const PATIENCE_MS = 20_000

export type Asked<T> =
  | { readonly found: T; readonly why: null }
  | { readonly found: null; readonly why: string; readonly said: Failure }

/** `why`, in words, where nobody can be asked there just now: what is known of other regions must not depend on it. For questions alone: what is begun is
 *  let finish. */
export async function unlessOutOfReach<T>(ask: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { found: await soon(ask), why: null }
  } catch (error) {
    if (error instanceof Failure && WORDS_OF_A_REGION.includes(error.code))
      return { found: null, why: error.message, said: error }
    throw error
  }
}

/** Fails with CLOUD_UNREACHABLE where the answer does not come soon. For questions alone, as well. */
export async function soon<T>(ask: () => Promise<T>): Promise<T> {
  const act = currentAct()
  const signal = limitedTo(PATIENCE_MS, act.signal)
  try {
    return await runAct({ ...act, signal }, ask)
  } catch (error) {
    if (error instanceof Failure || !signal.aborted || act.signal.aborted) throw error
    throw failure('CLOUD_UNREACHABLE', `It did not answer within ${PATIENCE_MS / 1000} s.`, {}, { cause: error })
  }
}
