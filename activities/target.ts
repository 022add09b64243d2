/** The instance that a fleet entry names, as its cloud describes it. */
import { REPLACED_BY_TAG } from '../clouds/owner'
import type { CallOptions, InstanceDescription } from '../clouds/port'
import { failure } from '../contracts/failures'
import type { DatabaseEntry } from '../contracts/fleet'
import type { ActivityDeps } from './deps'

/** `whom`: `either` takes a cluster that another one leads, too. Fails with INSTANCE_NOT_FOUND, ACCOUNT_MISMATCH or TARGET_MISMATCH. */
export async function findTarget(
  cloudOf: ActivityDeps['cloudOf'],
  database: DatabaseEntry,
  options: CallOptions,
  whom: 'leader' | 'either' = 'leader',
): Promise<InstanceDescription> {
  const found = await cloudOf(database).describeInstance({ name: database.instance }, options)
  const { instance, cloud, region, account } = database
  if (found === null) {
    throw failure(
      'INSTANCE_NOT_FOUND',
      `${cloud} ${whereIn(database)} has no ${isCluster(database) ? 'Aurora cluster' : 'instance'} ${instance}; correct the fleet file's \`instance\`${database.cloud === 'aws' ? ', or `aurora`' : ''}.`,
      { instance },
    )
  }
  // The lock's scope holds account and region: two spellings of them would be two locks on one instance.
  if (found.account === account && found.region === region) {
    if (whom === 'leader') assertLeads(database, found)
    assertInPlace(found)
    return found
  }
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

/** Whoever still names it has a fleet file from before: what he does would be done to what nobody uses any more. */
function assertInPlace({ name, tags }: InstanceDescription): void {
  const successor = tags[REPLACED_BY_TAG]
  if (successor === undefined) return
  throw failure(
    'TARGET_MISMATCH',
    `Instance ${name} was replaced by ${successor}, as its tag ${REPLACED_BY_TAG} says: write that into the fleet file's \`instance\`. If ${name} is to serve again, take the tag off.`,
    { instance: name, successor },
  )
}

/** Every change would have to be made where it is led from: the secondary takes no writes, and its lock would be another one. */
function assertLeads(database: DatabaseEntry, { name, replicaOf }: InstanceDescription): void {
  if (!isCluster(database) || replicaOf === null) return
  throw failure(
    'TARGET_MISMATCH',
    `Aurora cluster ${name} is a secondary of ${replicaOf}: name the leading cluster in the fleet file, with its region.`,
    { instance: name, replicaOf },
  )
}

function isCluster(database: DatabaseEntry): boolean {
  return database.cloud === 'aws' && database.aurora === true
}

/** What the cloud was asked about: neither Azure nor Google looks in one region only. */
function whereIn(database: DatabaseEntry): string {
  if (database.cloud === 'aws') return database.region
  return database.cloud === 'azure' ? `resource group ${database.resourceGroup}` : `project ${database.account}`
}
