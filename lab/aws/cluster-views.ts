/** Records of Aurora → RDS's descriptions of them. */
import type { AwsCloud } from './cloud'
import { membersOf, writerOf } from './following'
import type { DBCluster, DBClusterSnapshot } from './generated/answers'
import { arn, type DbCluster, type DbSnapshot } from './state'
import { tagList } from './views'
import { findSubnetGroup, VPC, zonesOf } from './zones'

export function clusterView(cloud: AwsCloud, cluster: DbCluster): DBCluster {
  const { state, addresses } = cloud
  const { settings, scaling, restorable } = cluster
  const zones = zonesOf(findSubnetGroup(state, cluster.region, cluster.subnetGroup))
  const members = membersOf(state, cluster)
  return {
    AllocatedStorage: 1,
    AvailabilityZones: zones,
    BackupRetentionPeriod: cluster.backupRetentionDays,
    DatabaseName: cluster.databaseName,
    DBClusterIdentifier: cluster.id,
    DBClusterParameterGroup: `default.aurora-postgresql${cluster.major}`,
    DBSubnetGroup: cluster.subnetGroup,
    Status: cluster.status,
    EarliestRestorableTime: restorable?.earliest,
    LatestRestorableTime: restorable?.latest,
    Endpoint: addresses.textOf(cluster.writerHost),
    ReaderEndpoint: addresses.textOf(cluster.readerHost),
    MultiAZ: new Set(members.map(({ zone }) => zone)).size > 1,
    Engine: 'aurora-postgresql',
    EngineVersion: cluster.engineVersion,
    Port: cloud.dataPort,
    MasterUsername: cluster.masterUsername,
    PreferredBackupWindow: settings.backupWindow,
    PreferredMaintenanceWindow: settings.maintenanceWindow,
    ReadReplicaIdentifiers: [],
    DBClusterMembers: members.map((member) => ({
      DBInstanceIdentifier: member.id,
      IsClusterWriter: member === writerOf(state, cluster),
      DBClusterParameterGroupStatus: 'in-sync',
      PromotionTier: member.promotionTier,
    })),
    VpcSecurityGroups: cluster.securityGroups.map((id) => ({
      VpcSecurityGroupId: id,
      Status: cluster.tasks.some(({ kind }) => kind === 'modify') ? 'adding' : 'active',
    })),
    HostedZoneId: 'Z0LAB',
    StorageEncrypted: settings.encrypted,
    KmsKeyId: settings.kmsKeyId,
    DbClusterResourceId: cluster.resourceId,
    DBClusterArn: arn(cluster.region, 'cluster', cluster.id),
    AssociatedRoles: [],
    IAMDatabaseAuthenticationEnabled: false,
    ClusterCreateTime: cluster.createdAt,
    PendingModifiedValues:
      Object.keys(cluster.pending).length === 0
        ? undefined
        : {
            DBClusterIdentifier: cluster.pending.id,
            MasterUserPassword: cluster.pending.masterVerifier === undefined ? undefined : '****',
          },
    EngineMode: 'provisioned',
    AutoMinorVersionUpgrade: settings.autoMinorVersionUpgrade,
    DeletionProtection: cluster.deletionProtection,
    HttpEndpointEnabled: false,
    CopyTagsToSnapshot: cluster.copyTagsToSnapshot,
    CrossAccountClone: false,
    DomainMemberships: [],
    TagList: tagList(cluster.tags),
    NetworkType: 'IPV4',
    ServerlessV2ScalingConfiguration: scaling && {
      MinCapacity: scaling.min,
      MaxCapacity: scaling.max,
      SecondsUntilAutoPause: scaling.pauseSeconds,
    },
  }
}

export function clusterSnapshotView(cloud: AwsCloud, snapshot: DbSnapshot): DBClusterSnapshot {
  return {
    AvailabilityZones: [snapshot.zone],
    DBClusterSnapshotIdentifier: snapshot.id,
    DBClusterIdentifier: snapshot.instanceId,
    SnapshotCreateTime: snapshot.createdAt,
    Engine: snapshot.engine,
    EngineMode: 'provisioned',
    AllocatedStorage: 1,
    Status: snapshot.status,
    Port: cloud.dataPort,
    VpcId: VPC,
    ClusterCreateTime: snapshot.instanceCreatedAt,
    MasterUsername: snapshot.masterUsername,
    EngineVersion: snapshot.engineVersion,
    LicenseModel: 'postgresql-license',
    SnapshotType: snapshot.type,
    PercentProgress: snapshot.status === 'available' ? 100 : 0,
    StorageEncrypted: snapshot.encrypted,
    KmsKeyId: snapshot.kmsKeyId,
    SourceDBClusterSnapshotArn: snapshot.source ?? undefined,
    DBClusterSnapshotArn: arn(snapshot.region, 'cluster-snapshot', snapshot.id),
    IAMDatabaseAuthenticationEnabled: false,
    TagList: tagList(snapshot.tags),
    StorageType: 'aurora',
    DbClusterResourceId: snapshot.instanceResourceId,
  }
}
