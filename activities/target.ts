/** The instance that a fleet entry names, as its cloud describes it. */
import type { CallOptions, InstanceDescription } from '../clouds/port'
import { failure } from '../contracts/failures'
import type { DatabaseEntry } from '../contracts/fleet'
import type { ActivityDeps } from './deps'

/** Fails with INSTANCE_NOT_FOUND or ACCOUNT_MISMATCH. */
export async function findTarget(
  cloudOf: ActivityDeps['cloudOf'],
  database: DatabaseEntry,
  options: CallOptions,
): Promise<InstanceDescription> {
  const found = await cloudOf(database).describeInstance({ name: database.instance }, options)
  const { instance, cloud, region, account } = database
  if (found === null) {
    throw failure(
      'INSTANCE_NOT_FOUND',
      `${cloud} ${region} has no instance ${instance}; correct the fleet file's \`instance\`.`,
      { instance },
    )
  }
  // The lock's scope holds the account: two spellings of it would be two locks on one instance.
  if (found.account === account) return found
  throw failure(
    'ACCOUNT_MISMATCH',
    `Instance ${instance} belongs to ${cloud} account ${found.account}, the fleet file says ${account}: correct it.`,
    { instance, found: found.account, expected: account },
  )
}
