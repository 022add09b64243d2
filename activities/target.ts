/** The instance that a fleet entry names, as its cloud describes it. */
import type { CallOptions, InstanceDescription } from '../clouds/port'
import { failure } from '../contracts/failures'
import type { DatabaseEntry } from '../contracts/fleet'
import type { ActivityDeps } from './deps'

/** Fails with INSTANCE_NOT_FOUND, ACCOUNT_MISMATCH or TARGET_MISMATCH. */
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
      `${cloud} ${whereIn(database)} has no instance ${instance}; correct the fleet file's \`instance\`.`,
      { instance },
    )
  }
  // The lock's scope holds account and region: two spellings of them would be two locks on one instance.
  if (found.account === account && found.region === region) return found
  if (found.account === account) {
    throw failure(
      'TARGET_MISMATCH',
      `Instance ${instance} is in ${cloud} region ${found.region}, the fleet file says ${region}: correct it.`,
      { instance, found: found.region, expected: region },
    )
  }
  throw failure(
    'ACCOUNT_MISMATCH',
    `Instance ${instance} belongs to ${cloud} account ${found.account}, the fleet file says ${account}: correct it.`,
    { instance, found: found.account, expected: account },
  )
}

/** What the cloud was asked about: neither Azure nor Google looks in one region only. */
function whereIn(database: DatabaseEntry): string {
  if (database.cloud === 'aws') return database.region
  return database.cloud === 'azure' ? `resource group ${database.resourceGroup}` : `project ${database.account}`
}
