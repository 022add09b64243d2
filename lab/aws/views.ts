/** Records → RDS's descriptions of them, as the service model has them. What a real answer leaves out (an endpoint while creating),
 *  these leave out. */
import type { AwsCloud } from './cloud'
import { clusterOf, replicasOf, sourceOf } from './following'
import type {
  DBClusterParameterGroup,
  DBInstance,
  DBParameterGroup,
  DBSnapshot,
  DBSubnetGroup,
  PendingModifiedValues,
  Tag,
} from './generated/answers'
import { settingsView } from './settings'
import {
  type AwsState,
  arn,
  type DbInstance,
  type DbSnapshot,
  type InstanceStatus,
  type ParameterGroup,
  type PendingChanges,
  type SubnetGroup,
  type Tags,
  type Task,
} from './state'
import { findSubnetGroup, subnetsOf, VPC } from './zones'

/** After these the server hears of rules that were given meanwhile. */
const RULES_LATER = new Set<Task['kind']>([
  'create',
  'restore',
  'restore-to-time',
  'replicate',
  'join',
  'settle',
  'modify',
  'start',
])

export function instanceView(cloud: AwsCloud, instance: DbInstance): DBInstance {
  const rulesHold = instance.tasks.every(({ kind }) => !RULES_LATER.has(kind))
  const cluster = clusterOf(cloud.state, instance)
  const reachable = instance.createdAt !== null && instance.status !== 'creating'
  return {
    ...UNCHANGING,
    ...settingsView(instance.settings),
    DBInstanceIdentifier: instance.id,
    DBInstanceClass: instance.instanceClass,
    Engine: instance.engine,
    DBInstanceStatus: statusShown(instance),
    AutomaticRestartTime: instance.status === 'stopped' ? instance.restartsAt : undefined,
    MasterUsername: instance.masterUsername,
    DBName: instance.databaseName,
    Endpoint: reachable ? { Address: cloud.addresses.textOf(instance.host), Port: cloud.dataPort } : undefined,
    AllocatedStorage: instance.storageGib,
    InstanceCreateTime: instance.createdAt,
    BackupRetentionPeriod: (cluster ?? instance).backupRetentionDays,
    LatestRestorableTime: instance.restorable?.latest,
    DBClusterIdentifier: cluster?.id,
    PromotionTier: cluster && instance.promotionTier,
    VpcSecurityGroups: (cluster ?? instance).securityGroups.map((id) => ({
      VpcSecurityGroupId: id,
      Status: rulesHold ? 'active' : 'adding',
    })),
    DBParameterGroups: [{ DBParameterGroupName: instance.parameterGroup, ParameterApplyStatus: instance.parameterStatus }],
    AvailabilityZone: instance.createdAt ? instance.zone : undefined,
    SecondaryAvailabilityZone: instance.createdAt ? instance.secondaryZone : undefined,
    DBSubnetGroup: subnetGroupView(findSubnetGroup(cloud.state, instance.region, instance.subnetGroup), 'embedded'),
    ...replicationView(cloud.state, instance),
    PendingModifiedValues: pendingView(instance.pending),
    MultiAZ: instance.multiAz,
    EngineVersion: instance.engineVersion,
    Iops: instance.iops,
    StorageThroughput: instance.throughput,
    OptionGroupMemberships: [{ OptionGroupName: `default:${instance.engine}-${instance.major}`, Status: 'in-sync' }],
    PubliclyAccessible: instance.publiclyAccessible,
    IAMDatabaseAuthenticationEnabled: (cluster ?? instance).iamAuthentication ?? false,
    StorageType: instance.storageType,
    DbiResourceId: instance.resourceId,
    CopyTagsToSnapshot: instance.copyTagsToSnapshot,
    DBInstanceArn: arn(instance.region, 'db', instance.id),
    DeletionProtection: instance.deletionProtection,
    TagList: tagList(instance.tags),
  }
}

/** Instances of the same region are named, those of another by their ARN. */
function replicationView(state: AwsState, instance: DbInstance): DBInstance {
  const nameOf = ({ region, id }: DbInstance): string => (region === instance.region ? id : arn(region, 'db', id))
  const ReadReplicaDBInstanceIdentifiers = replicasOf(state, instance).map(nameOf)
  if (instance.replicaOf === null) return { ReadReplicaDBInstanceIdentifiers }
  const source = sourceOf(state, instance)
  const Normal = source !== undefined && instance.follows !== false
  const Status = instance.createdAt === null ? undefined : Normal ? 'replicating' : 'error'
  return {
    ReadReplicaDBInstanceIdentifiers,
    ReadReplicaSourceDBInstanceIdentifier: source && nameOf(source),
    StatusInfos: Status && [{ StatusType: 'read replication', Normal, Status }],
  }
}

/** What every instance of this lab has in common. */
const UNCHANGING = {
  DBSecurityGroups: [],
  DbInstancePort: 0,
  DomainMemberships: [],
  AssociatedRoles: [],
  CustomerOwnedIpEnabled: false,
  BackupTarget: 'region',
} satisfies DBInstance

/** Storage that grew is optimized for a while; the instance is usable meanwhile, and nothing else waits for it. */
function statusShown({ status, optimizesUntil }: DbInstance): InstanceStatus | 'storage-optimization' {
  const optimizing = optimizesUntil !== undefined && optimizesUntil > new Date().toISOString()
  return status === 'available' && optimizing ? 'storage-optimization' : status
}

export function snapshotView(cloud: AwsCloud, snapshot: DbSnapshot): DBSnapshot {
  return {
    DBSnapshotIdentifier: snapshot.id,
    DBInstanceIdentifier: snapshot.instanceId,
    SnapshotCreateTime: snapshot.createdAt,
    OriginalSnapshotCreateTime: snapshot.originalCreatedAt,
    Engine: snapshot.engine,
    AllocatedStorage: snapshot.storageGib,
    Status: snapshot.status,
    Port: cloud.dataPort,
    AvailabilityZone: snapshot.zone,
    VpcId: VPC,
    InstanceCreateTime: snapshot.instanceCreatedAt,
    MasterUsername: snapshot.masterUsername,
    EngineVersion: snapshot.engineVersion,
    LicenseModel: 'postgresql-license',
    SnapshotType: snapshot.type,
    Iops: snapshot.iops,
    StorageThroughput: snapshot.throughput,
    OptionGroupName: `default:postgres-${snapshot.major}`,
    PercentProgress: snapshot.status === 'available' ? 100 : 0,
    SourceRegion: snapshot.source === null ? undefined : snapshot.source.split(':')[3],
    SourceDBSnapshotIdentifier: snapshot.source,
    StorageType: snapshot.storageType,
    Encrypted: snapshot.encrypted,
    KmsKeyId: snapshot.kmsKeyId,
    DBSnapshotArn: arn(snapshot.region, 'snapshot', snapshot.id),
    IAMDatabaseAuthenticationEnabled: snapshot.iamAuthentication ?? false,
    ProcessorFeatures: [],
    DbiResourceId: snapshot.instanceResourceId,
    TagList: tagList(snapshot.tags),
    SnapshotTarget: 'region',
  }
}

export function groupView(group: ParameterGroup): DBParameterGroup {
  return {
    DBParameterGroupName: group.name,
    DBParameterGroupFamily: group.family,
    Description: group.description,
    DBParameterGroupArn: arn(group.region, 'pg', group.name),
  }
}

export function clusterGroupView(group: ParameterGroup): DBClusterParameterGroup {
  return {
    DBClusterParameterGroupName: group.name,
    DBParameterGroupFamily: group.family,
    Description: group.description,
    DBClusterParameterGroupArn: arn(group.region, 'cluster-pg', group.name),
  }
}

/** `embedded`: as a part of an instance, where RDS leaves out the ARN. */
export function subnetGroupView(group: SubnetGroup, where?: 'embedded'): DBSubnetGroup {
  return {
    DBSubnetGroupName: group.name,
    DBSubnetGroupDescription: group.description,
    VpcId: VPC,
    SubnetGroupStatus: 'Complete',
    Subnets: subnetsOf(group.region)
      .filter(({ id }) => group.subnets.includes(id))
      .map(({ id, zone }) => ({
        SubnetIdentifier: id,
        SubnetAvailabilityZone: { Name: zone },
        SubnetOutpost: {},
        SubnetStatus: 'Active',
      })),
    DBSubnetGroupArn: where === 'embedded' ? undefined : arn(group.region, 'subgrp', group.name),
    SupportedNetworkTypes: where === 'embedded' ? undefined : ['IPV4'],
  }
}

export function tagList(tags: Tags): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
}

function pendingView(pending: PendingChanges): PendingModifiedValues {
  return {
    DBInstanceIdentifier: pending.id,
    DBInstanceClass: pending.instanceClass,
    AllocatedStorage: pending.storageGib,
    StorageType: pending.storageType,
    Iops: pending.iops,
    StorageThroughput: pending.throughput,
    MasterUserPassword: pending.masterVerifier === undefined ? undefined : '****',
    BackupRetentionPeriod: pending.backupRetentionDays,
    MultiAZ: pending.multiAz,
    IAMDatabaseAuthenticationEnabled: pending.iamAuthentication,
  }
}
