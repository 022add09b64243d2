/** Records → the elements of RDS's answers. What a real answer leaves out (an endpoint while creating), these leave out. */
import type { AwsCloud } from './cloud'
import { list, type XmlNode } from './protocol/xml'
import { arn, type DbInstance, type DbSnapshot, type ParameterGroup, type PendingChanges, type Tags } from './state'

const VPC = 'vpc-lab'

export function instanceView(cloud: AwsCloud, instance: DbInstance): XmlNode {
  const rulesHold = instance.tasks.every(({ kind }) => ['back-up', 'reboot', 'recover', 'delete'].includes(kind))
  const reachable = instance.createdAt !== null && instance.status !== 'creating'
  return {
    DBInstanceIdentifier: instance.id,
    DBInstanceClass: instance.instanceClass,
    Engine: 'postgres',
    DBInstanceStatus: instance.status,
    MasterUsername: instance.masterUsername,
    DBName: instance.databaseName,
    Endpoint: reachable ? { Address: cloud.addresses.textOf(instance.host), Port: cloud.dataPort } : undefined,
    AllocatedStorage: instance.storageGib,
    InstanceCreateTime: instance.createdAt,
    PreferredBackupWindow: '03:00-03:30',
    BackupRetentionPeriod: instance.backupRetentionDays,
    DBSecurityGroups: '',
    VpcSecurityGroups: list(
      'VpcSecurityGroupMembership',
      instance.securityGroups.map((id) => ({ VpcSecurityGroupId: id, Status: rulesHold ? 'active' : 'adding' })),
    ),
    DBParameterGroups: list('DBParameterGroup', [
      { DBParameterGroupName: instance.parameterGroup, ParameterApplyStatus: instance.parameterStatus },
    ]),
    AvailabilityZone: instance.createdAt ? `${instance.region}a` : undefined,
    DBSubnetGroup: subnetGroup(instance.region),
    PreferredMaintenanceWindow: 'sun:04:00-sun:04:30',
    PendingModifiedValues: pendingView(instance.pending),
    MultiAZ: instance.multiAz,
    EngineVersion: instance.engineVersion,
    AutoMinorVersionUpgrade: true,
    ReadReplicaDBInstanceIdentifiers: '',
    LicenseModel: 'postgresql-license',
    OptionGroupMemberships: list('OptionGroupMembership', [
      { OptionGroupName: `default:postgres-${instance.major}`, Status: 'in-sync' },
    ]),
    PubliclyAccessible: instance.publiclyAccessible,
    StorageType: instance.storageType,
    DbInstancePort: 0,
    StorageEncrypted: false,
    DbiResourceId: instance.resourceId,
    DomainMemberships: '',
    CopyTagsToSnapshot: instance.copyTagsToSnapshot,
    MonitoringInterval: 0,
    DBInstanceArn: arn(instance.region, 'db', instance.id),
    IAMDatabaseAuthenticationEnabled: false,
    PerformanceInsightsEnabled: false,
    DeletionProtection: instance.deletionProtection,
    AssociatedRoles: '',
    TagList: tagList(instance.tags),
    CustomerOwnedIpEnabled: false,
    NetworkType: 'IPV4',
    BackupTarget: 'region',
  }
}

export function snapshotView(cloud: AwsCloud, snapshot: DbSnapshot): XmlNode {
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
    ProcessorFeatures: '',
    DbiResourceId: snapshot.instanceResourceId,
    TagList: tagList(snapshot.tags),
    SnapshotTarget: 'region',
  }
}

export function groupView(group: ParameterGroup): XmlNode {
  return {
    DBParameterGroupName: group.name,
    DBParameterGroupFamily: group.family,
    Description: group.description,
    DBParameterGroupArn: arn(group.region, 'pg', group.name),
  }
}

export function tagList(tags: Tags): XmlNode | '' {
  return list(
    'Tag',
    Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
  )
}

function pendingView(pending: PendingChanges): XmlNode | '' {
  const view = {
    DBInstanceClass: pending.instanceClass,
    AllocatedStorage: pending.storageGib,
    MasterUserPassword: pending.masterVerifier === undefined ? undefined : '****',
    BackupRetentionPeriod: pending.backupRetentionDays,
    MultiAZ: pending.multiAz,
  }
  return Object.values(view).every((value) => value === undefined) ? '' : view
}

function subnetGroup(region: string): XmlNode {
  return {
    DBSubnetGroupName: 'default',
    DBSubnetGroupDescription: 'default',
    VpcId: VPC,
    SubnetGroupStatus: 'Complete',
    Subnets: list(
      'Subnet',
      ['a', 'b'].map((zone) => ({
        SubnetIdentifier: `subnet-lab-${zone}`,
        SubnetAvailabilityZone: { Name: `${region}${zone}` },
        SubnetOutpost: '',
        SubnetStatus: 'Active',
      })),
    ),
  }
}
