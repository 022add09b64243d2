/** What an account holds, as far as a fleet file wants to know it. Discovery asks and never changes: it is what the command line may import of
 *  this room (docs/decisions/0007-discovery-asks-the-cloud.md). */
import { Failure, failure } from '../../contracts/failures'
import { isWithoutCredentials } from '../credentials'
import type { CallOptions, InstanceDescription } from '../port'

export interface FoundInstance
  extends Pick<
    InstanceDescription,
    'cloud' | 'account' | 'name' | 'cloudState' | 'endpoint' | 'engineVersion' | 'instanceClass' | 'deletionProtected' | 'tags'
  > {
  /** Of the whole cloud: nobody else has it at the same time. */
  readonly id: string
  readonly region: string
  /** Of Azure; null elsewhere. */
  readonly resourceGroup: string | null
  /** `postgres`, or the cloud's own word for what it is instead. */
  readonly engine: string
  /** Whether it is a cluster with instances as its members, and not one instance. */
  readonly cluster: boolean
  /** The master's name; null where the cloud does not tell. */
  readonly master: string | null
  /** The database that was made with it; null where the cloud does not tell. */
  readonly database: string | null
  /** How long backups are kept; 0: none are taken, null: the cloud counts otherwise. */
  readonly backupDays: number | null
  /** Backups that are kept, where the cloud counts those. */
  readonly backupsKept: number | null
  /** The id of the instance that it is a read replica of. */
  readonly replicaOf: string | null
}

/** One account of one cloud. A list that is not whole is none: whatever cannot be asked fails all of it. */
export type Discover = (options: CallOptions) => Promise<readonly FoundInstance[]>

/** A person is asking: where there are no credentials, what they can do about it is said, and nothing is tried again. */
export async function orWithoutCredentials<T>(asked: Promise<T>, { cloud, how }: { cloud: string; how: string }): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (!isWithoutCredentials(error)) throw error
    throw failure('CREDENTIALS_MISSING', `No credentials for ${cloud} were found: ${how}.`, error.facts, { cause: error })
  }
}

/** Says where it was, for one that asks in several places. */
export function failedIn(place: string, error: unknown): unknown {
  if (!(error instanceof Failure)) return error
  const { code, message, facts } = error
  return failure(code, `In ${place}: ${message}`, { ...facts, place }, { cause: error })
}
