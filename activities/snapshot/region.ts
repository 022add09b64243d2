/** Where copies of a database's snapshots are: another region of its cloud and account, asked with the same credentials. */
import type { ManagedPostgres } from '../../clouds/port'
import { Failure, type FailureCode } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { ActivityDeps } from '../deps'

/** `region`: null or left out for the database's own. */
export function cloudIn(
  cloudOf: ActivityDeps['cloudOf'],
  database: DatabaseEntry,
  region: string | null | undefined,
): ManagedPostgres {
  return cloudOf(region === null || region === undefined ? database : { ...database, region })
}

/** What a region says by itself: it does not answer, or does not let us in. */
const OF_THE_REGION: readonly FailureCode[] = [
  'CLOUD_UNREACHABLE',
  'CLOUD_THROTTLED',
  'CLOUD_BUSY',
  'CLOUD_REFUSED',
  'CREDENTIALS_REJECTED',
]

/** `why`, in words, where nobody can be asked there just now: what is known of other regions must not depend on it. */
export async function unlessOutOfReach<T>(
  asked: Promise<T>,
): Promise<{ readonly found: T; readonly why: null } | { readonly found: null; readonly why: string }> {
  try {
    return { found: await asked, why: null }
  } catch (error) {
    if (!(error instanceof Failure) || !OF_THE_REGION.includes(error.code)) throw error
    return { found: null, why: error.message }
  }
}
