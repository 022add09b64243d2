/** A DB instance that is to be a member of an Aurora cluster. What belongs to the cluster cannot be given with it. */
import { type Call, findCluster } from '../cloud'
import { MEMBERS_MAX } from '../clusters'
import { AwsError, invalidCombination, invalidValue } from '../errors'
import { leadOf, membersOf, writerOf } from '../following'
import { parseInstanceClass, SERVERLESS } from '../instance-classes'
import type { Query } from '../protocol/query'
import { defaultSettings, parseSettings } from '../settings'
import type { DbInstance } from '../state'
import { addInstance } from './new-instance'

const CLUSTERS_OWN: Readonly<Record<string, string>> = {
  MasterUsername: 'master user name',
  MasterUserPassword: 'master user password',
  DBName: 'database name',
  BackupRetentionPeriod: 'backup retention period',
  PreferredBackupWindow: 'backup window',
  VpcSecurityGroupIds: 'VPC security groups',
  MultiAZ: 'zones',
  DeletionProtection: 'deletion protection',
  AllocatedStorage: 'storage',
  StorageEncrypted: 'encryption',
  KmsKeyId: 'encryption',
  EnableIAMDatabaseAuthentication: 'IAM database authentication',
}

/** @throws AwsError InvalidParameterCombination. */
export function refuseClustersOwn(query: Query, verb: 'will be' | 'is'): void {
  for (const [name, what] of Object.entries(CLUSTERS_OWN)) {
    const given = query.text(name) !== undefined || (query.list(name) ?? []).length > 0
    if (given)
      throw invalidCombination(`The requested DB Instance ${verb} a member of a DB Cluster. Set ${what} for the DB Cluster.`)
  }
}

export async function addMember(call: Call, id: string): Promise<DbInstance> {
  const { cloud, query } = call
  const cluster = findCluster(call)
  refuseClustersOwn(query, 'will be')
  if (cluster.status !== 'available') {
    throw new AwsError('InvalidDBClusterStateFault', `DB cluster ${cluster.id} is not in available state.`)
  }
  const lead = leadOf(cloud.state, cluster)
  if (lead !== cluster && !writerOf(cloud.state, lead)) {
    throw new AwsError('InvalidDBClusterStateFault', `The primary cluster ${lead.id} has no writer whose data it could have.`)
  }
  const version = query.text('EngineVersion')
  if (version !== undefined && version !== cluster.engineVersion) {
    throw invalidCombination(`The engine version ${version} is not that of the cluster, ${cluster.engineVersion}.`)
  }
  if (membersOf(cloud.state, cluster).length >= MEMBERS_MAX) {
    throw new AwsError('InstanceQuotaExceeded', `A DB cluster has at most ${MEMBERS_MAX} members.`)
  }
  const instanceClass = parseInstanceClass(query.required('DBInstanceClass'), 'aurora-postgresql')
  if (instanceClass === SERVERLESS && cluster.scaling === null) {
    throw invalidCombination(
      'Set the Serverless v2 scaling configuration on the parent DB cluster before creating a Serverless v2 DB instance.',
    )
  }
  const { encrypted, kmsKeyId, backupWindow } = cluster.settings
  const shape = {
    engine: 'aurora-postgresql' as const,
    major: cluster.major,
    engineVersion: cluster.engineVersion,
    instanceClass,
    storageGib: 1,
    storageType: 'aurora',
    iops: null,
    throughput: null,
    masterUsername: cluster.masterUsername,
    databaseName: cluster.databaseName,
    backupRetentionDays: 0,
  }
  const settings = parseSettings(query, { ...defaultSettings(), encrypted, kmsKeyId, backupWindow })
  const member = { cluster: cluster.resourceId, promotionTier: parsePromotionTier(query) ?? 1 }
  return addInstance(call, { id, shape, settings, member }, { kind: 'join' })
}

export function parsePromotionTier(query: Query): number | undefined {
  const tier = query.integer('PromotionTier')
  if (tier !== undefined && (tier < 0 || tier > 15))
    throw invalidValue(`Invalid promotion tier: ${tier}. Must be between 0 and 15.`)
  return tier
}
