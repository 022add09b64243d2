/** Records of Aurora → RDS's descriptions of them. */
import type { AwsCloud } from './cloud'
import { clustersOf, globalOf, leadOf, membersOf, writerOf } from './following'
import type { DBCluster, DBClusterSnapshot, GlobalCluster as GlobalClusterAnswer } from './generated/answers'
import type { GlobalCluster } from './global-clusters'
import { awaitsReboot, clusterGroupOf } from './parameters'
import { type AwsState, arn, type DbCluster, type DbSnapshot } from './state'
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
    DBClusterParameterGroup: clusterGroupOf(state, cluster).name,
    DBSubnetGroup: cluster.subnetGroup,
    Status: cluster.status,
    AutomaticRestartTime: cluster.status === 'stopped' ? cluster.restartsAt : undefined,
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
    EnabledCloudwatchLogsExports: settings.logExports.length === 0 ? undefined : settings.logExports,
    ...globalView(state, cluster),
    DBClusterMembers: members.map((member) => ({
      DBInstanceIdentifier: member.id,
      IsClusterWriter: member === writerOf(state, cluster),
      DBClusterParameterGroupStatus: awaitsReboot(state, cluster, member) ? 'pending-reboot' : 'in-sync',
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
    IAMDatabaseAuthenticationEnabled: cluster.iamAuthentication ?? false,
    ClusterCreateTime: cluster.createdAt,
    PendingModifiedValues:
      Object.keys(cluster.pending).length === 0
        ? undefined
        : {
            DBClusterIdentifier: cluster.pending.id,
            MasterUserPassword: cluster.pending.masterVerifier === undefined ? undefined : '****',
            IAMDatabaseAuthenticationEnabled: cluster.pending.iamAuthentication,
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

/** A secondary cluster is a replica of the primary one. */
function globalView(state: AwsState, cluster: DbCluster): DBCluster {
  const global = globalOf(state, cluster)
  if (!global) return { ReadReplicaIdentifiers: [] }
  const lead = leadOf(state, cluster)
  const secondary = lead !== cluster
  return {
    GlobalClusterIdentifier: global.id,
    ReplicationSourceIdentifier: secondary ? arnOf(lead) : undefined,
    ReadReplicaIdentifiers: secondary ? [] : secondariesOf(state, global).map(arnOf),
    GlobalWriteForwardingStatus: secondary ? 'disabled' : undefined,
    GlobalWriteForwardingRequested: secondary ? false : undefined,
  }
}

export function globalClusterView({ state, addresses }: AwsCloud, global: GlobalCluster): GlobalClusterAnswer {
  const [task] = global.tasks
  const [from, to] = [global.primary, task?.to].map((id) => clustersOf(state, global).find((one) => one.resourceId === id))
  return {
    GlobalClusterIdentifier: global.id,
    GlobalClusterResourceId: global.resourceId,
    GlobalClusterArn: arn('', 'global-cluster', global.id),
    Status: global.status,
    Engine: 'aurora-postgresql',
    EngineVersion: global.engineVersion,
    EngineLifecycleSupport: 'open-source-rds-extended-support',
    DatabaseName: global.databaseName,
    StorageEncrypted: global.encrypted,
    DeletionProtection: global.deletionProtection,
    GlobalClusterMembers: clustersOf(state, global).map((cluster) => {
      const IsWriter = cluster.resourceId === global.primary
      return {
        DBClusterArn: arnOf(cluster),
        Readers: IsWriter ? secondariesOf(state, global).map(arnOf) : [],
        IsWriter,
        GlobalWriteForwardingStatus: IsWriter ? undefined : 'disabled',
        SynchronizationStatus: IsWriter ? undefined : follows(state, cluster) ? 'connected' : 'pending-resync',
      }
    }),
    Endpoint: addresses.textOf(global.host),
    FailoverState: task && {
      // the model has no word of its own for a switchover
      Status: 'failing-over',
      FromDbClusterArn: from && arnOf(from),
      ToDbClusterArn: to && arnOf(to),
      IsDataLossAllowed: task.kind === 'fail-over',
    },
    TagList: tagList(global.tags),
  }
}

function secondariesOf(state: AwsState, global: GlobalCluster): DbCluster[] {
  return clustersOf(state, global).filter(({ resourceId }) => resourceId !== global.primary)
}

/** Not while its members are made anew. */
function follows(state: AwsState, cluster: DbCluster): boolean {
  return membersOf(state, cluster).every(
    ({ createdAt, tasks }) => createdAt === null || tasks.every(({ kind }) => kind !== 'join'),
  )
}

function arnOf({ region, id }: DbCluster): string {
  return arn(region, 'cluster', id)
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
    IAMDatabaseAuthenticationEnabled: snapshot.iamAuthentication ?? false,
    TagList: tagList(snapshot.tags),
    StorageType: 'aurora',
    DbClusterResourceId: snapshot.instanceResourceId,
  }
}
