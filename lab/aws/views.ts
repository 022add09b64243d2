/** Records → RDS's descriptions of them, as the service model has them. What a real answer leaves out (an endpoint while creating),
 *  these leave out. */
import type { AwsCloud } from './cloud'
import type { DBInstance, DBParameterGroup, DBSnapshot, DBSubnetGroup, PendingModifiedValues, Tag } from './generated/answers'
import { arn, type DbInstance, type DbSnapshot, type ParameterGroup, type PendingChanges, type Tags } from './state'

const VPC = 'vpc-lab'

export function instanceView(cloud: AwsCloud, instance: DbInstance): DBInstance {
  const rulesHold = instance.tasks.every(({ kind }) => ['back-up', 'reboot', 'recover', 'delete'].includes(kind))
  const reachable = instance.createdAt !== null && instance.status !== 'creating'
  return {
    ...UNCHANGING,
    DBInstanceIdentifier: instance.id,
    DBInstanceClass: instance.instanceClass,
    DBInstanceStatus: instance.status,
    MasterUsername: instance.masterUsername,
    DBName: instance.databaseName,
    Endpoint: reachable ? { Address: cloud.addresses.textOf(instance.host), Port: cloud.dataPort } : undefined,
    AllocatedStorage: instance.storageGib,
    InstanceCreateTime: instance.createdAt,
    BackupRetentionPeriod: instance.backupRetentionDays,
    VpcSecurityGroups: instance.securityGroups.map((id) => ({
      VpcSecurityGroupId: id,
      Status: rulesHold ? 'active' : 'adding',
    })),
    DBParameterGroups: [{ DBParameterGroupName: instance.parameterGroup, ParameterApplyStatus: instance.parameterStatus }],
    AvailabilityZone: instance.createdAt ? `${instance.region}a` : undefined,
    DBSubnetGroup: subnetGroup(instance.region),
    PendingModifiedValues: pendingView(instance.pending),
    MultiAZ: instance.multiAz,
    EngineVersion: instance.engineVersion,
    OptionGroupMemberships: [{ OptionGroupName: `default:postgres-${instance.major}`, Status: 'in-sync' }],
    PubliclyAccessible: instance.publiclyAccessible,
    StorageType: instance.storageType,
    DbiResourceId: instance.resourceId,
    CopyTagsToSnapshot: instance.copyTagsToSnapshot,
    DBInstanceArn: arn(instance.region, 'db', instance.id),
    DeletionProtection: instance.deletionProtection,
    TagList: tagList(instance.tags),
  }
}

/** What every instance of this lab has in common. */
const UNCHANGING = {
  Engine: 'postgres',
  PreferredBackupWindow: '03:00-03:30',
  DBSecurityGroups: [],
  PreferredMaintenanceWindow: 'sun:04:00-sun:04:30',
  AutoMinorVersionUpgrade: true,
  ReadReplicaDBInstanceIdentifiers: [],
  LicenseModel: 'postgresql-license',
  DbInstancePort: 0,
  StorageEncrypted: false,
  DomainMemberships: [],
  MonitoringInterval: 0,
  IAMDatabaseAuthenticationEnabled: false,
  PerformanceInsightsEnabled: false,
  AssociatedRoles: [],
  CustomerOwnedIpEnabled: false,
  NetworkType: 'IPV4',
  BackupTarget: 'region',
} satisfies DBInstance

export function snapshotView(cloud: AwsCloud, snapshot: DbSnapshot): DBSnapshot {
  return {
    DBSnapshotIdentifier: snapshot.id,
    DBInstanceIdentifier: snapshot.instanceId,
    SnapshotCreateTime: snapshot.createdAt,
    OriginalSnapshotCreateTime: snapshot.createdAt,
    Engine: 'postgres',
    AllocatedStorage: snapshot.storageGib,
    Status: snapshot.status,
    Port: cloud.dataPort,
    AvailabilityZone: `${snapshot.region}a`,
    VpcId: VPC,
    InstanceCreateTime: snapshot.instanceCreatedAt,
    MasterUsername: snapshot.masterUsername,
    EngineVersion: snapshot.engineVersion,
    LicenseModel: 'postgresql-license',
    SnapshotType: 'manual',
    OptionGroupName: `default:postgres-${snapshot.major}`,
    PercentProgress: snapshot.status === 'available' ? 100 : 0,
    StorageType: snapshot.storageType,
    Encrypted: false,
    DBSnapshotArn: arn(snapshot.region, 'snapshot', snapshot.id),
    IAMDatabaseAuthenticationEnabled: false,
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

export function tagList(tags: Tags): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
}

function pendingView(pending: PendingChanges): PendingModifiedValues {
  return {
    DBInstanceClass: pending.instanceClass,
    AllocatedStorage: pending.storageGib,
    MasterUserPassword: pending.masterVerifier === undefined ? undefined : '****',
    BackupRetentionPeriod: pending.backupRetentionDays,
    MultiAZ: pending.multiAz,
  }
}

function subnetGroup(region: string): DBSubnetGroup {
  return {
    DBSubnetGroupName: 'default',
    DBSubnetGroupDescription: 'default',
    VpcId: VPC,
    SubnetGroupStatus: 'Complete',
    Subnets: ['a', 'b'].map((zone) => ({
      SubnetIdentifier: `subnet-lab-${zone}`,
      SubnetAvailabilityZone: { Name: `${region}${zone}` },
      SubnetOutpost: {},
      SubnetStatus: 'Active',
    })),
  }
}
