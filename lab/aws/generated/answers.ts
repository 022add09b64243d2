/** Made by scripts/rds-model.js from @aws-sdk/client-rds. Run it again instead of editing. */

/** Left out of the answer: RDS leaves out what does not exist yet. */
type Absent = null | undefined

export type AccountAttributesMessage = {
  readonly AccountQuotas?: readonly AccountQuota[] | Absent
}

export type AccountQuota = {
  readonly AccountQuotaName?: string | Absent
  readonly Used?: number | Absent
  readonly Max?: number | Absent
}

export type AdditionalStorageVolume = {
  readonly VolumeName?: string | Absent
  readonly AllocatedStorage?: number | Absent
  readonly IOPS?: number | Absent
  readonly MaxAllocatedStorage?: number | Absent
  readonly StorageThroughput?: number | Absent
  readonly StorageType?: string | Absent
}

export type AdditionalStorageVolumeOutput = {
  readonly VolumeName?: string | Absent
  readonly StorageVolumeStatus?: string | Absent
  readonly StorageOperationStatus?: string | Absent
  readonly StorageOperationPercentProgress?: number | Absent
  readonly AllocatedStorage?: number | Absent
  readonly IOPS?: number | Absent
  readonly MaxAllocatedStorage?: number | Absent
  readonly StorageThroughput?: number | Absent
  readonly StorageType?: string | Absent
}

export type AvailabilityZone = {
  readonly Name?: string | Absent
}

export type AvailableAdditionalStorageVolumesOption = {
  readonly SupportsStorageAutoscaling?: boolean | Absent
  readonly SupportsStorageThroughput?: boolean | Absent
  readonly SupportsIops?: boolean | Absent
  readonly StorageType?: string | Absent
  readonly MinStorageSize?: number | Absent
  readonly MaxStorageSize?: number | Absent
  readonly MinIops?: number | Absent
  readonly MaxIops?: number | Absent
  readonly MinIopsPerGib?: number | Absent
  readonly MaxIopsPerGib?: number | Absent
  readonly MinStorageThroughput?: number | Absent
  readonly MaxStorageThroughput?: number | Absent
}

export type AvailableProcessorFeature = {
  readonly Name?: string | Absent
  readonly DefaultValue?: string | Absent
  readonly AllowedValues?: string | Absent
}

export type BlueGreenDeployment = {
  readonly BlueGreenDeploymentIdentifier?: string | Absent
  readonly BlueGreenDeploymentName?: string | Absent
  readonly Source?: string | Absent
  readonly Target?: string | Absent
  readonly SwitchoverDetails?: readonly SwitchoverDetail[] | Absent
  readonly Tasks?: readonly BlueGreenDeploymentTask[] | Absent
  readonly Status?: string | Absent
  readonly StatusDetails?: string | Absent
  readonly CreateTime?: string | Absent
  readonly DeleteTime?: string | Absent
  readonly TagList?: readonly Tag[] | Absent
}

export type BlueGreenDeploymentTask = {
  readonly Name?: string | Absent
  readonly Status?: string | Absent
}

export type CertificateDetails = {
  readonly CAIdentifier?: string | Absent
  readonly ValidTill?: string | Absent
}

export type CharacterSet = {
  readonly CharacterSetName?: string | Absent
  readonly CharacterSetDescription?: string | Absent
}

export type ClusterPendingModifiedValues = {
  readonly PendingCloudwatchLogsExports?: PendingCloudwatchLogsExports | Absent
  readonly DBClusterIdentifier?: string | Absent
  readonly MasterUserPassword?: string | Absent
  readonly IAMDatabaseAuthenticationEnabled?: boolean | Absent
  readonly EngineVersion?: string | Absent
  readonly BackupRetentionPeriod?: number | Absent
  readonly StorageType?: string | Absent
  readonly AllocatedStorage?: number | Absent
  readonly RdsCustomClusterConfiguration?: RdsCustomClusterConfiguration | Absent
  readonly Iops?: number | Absent
  readonly CertificateDetails?: CertificateDetails | Absent
}

export type CopyDBClusterParameterGroupResult = {
  readonly DBClusterParameterGroup?: DBClusterParameterGroup | Absent
}

export type CopyDBClusterSnapshotResult = {
  readonly DBClusterSnapshot?: DBClusterSnapshot | Absent
}

export type CopyDBParameterGroupResult = {
  readonly DBParameterGroup?: DBParameterGroup | Absent
}

export type CopyDBSnapshotResult = {
  readonly DBSnapshot?: DBSnapshot | Absent
}

export type CreateBlueGreenDeploymentResponse = {
  readonly BlueGreenDeployment?: BlueGreenDeployment | Absent
}

export type CreateDBClusterParameterGroupResult = {
  readonly DBClusterParameterGroup?: DBClusterParameterGroup | Absent
}

export type CreateDBClusterResult = {
  readonly DBCluster?: DBCluster | Absent
}

export type CreateDBClusterSnapshotResult = {
  readonly DBClusterSnapshot?: DBClusterSnapshot | Absent
}

export type CreateDBInstanceReadReplicaResult = {
  readonly DBInstance?: DBInstance | Absent
}

export type CreateDBInstanceResult = {
  readonly DBInstance?: DBInstance | Absent
}

export type CreateDBParameterGroupResult = {
  readonly DBParameterGroup?: DBParameterGroup | Absent
}

export type CreateDBSnapshotResult = {
  readonly DBSnapshot?: DBSnapshot | Absent
}

export type CreateDBSubnetGroupResult = {
  readonly DBSubnetGroup?: DBSubnetGroup | Absent
}

export type CreateGlobalClusterResult = {
  readonly GlobalCluster?: GlobalCluster | Absent
}

export type CustomDBEngineVersionAMI = {
  readonly ImageId?: string | Absent
  readonly Status?: string | Absent
}

export type DBCluster = {
  readonly AllocatedStorage?: number | Absent
  readonly AvailabilityZones?: readonly string[] | Absent
  readonly BackupRetentionPeriod?: number | Absent
  readonly CharacterSetName?: string | Absent
  readonly DatabaseName?: string | Absent
  readonly DBClusterIdentifier?: string | Absent
  readonly DBClusterParameterGroup?: string | Absent
  readonly DBSubnetGroup?: string | Absent
  readonly Status?: string | Absent
  readonly PercentProgress?: string | Absent
  readonly EarliestRestorableTime?: string | Absent
  readonly Endpoint?: string | Absent
  readonly ReaderEndpoint?: string | Absent
  readonly CustomEndpoints?: readonly string[] | Absent
  readonly MultiAZ?: boolean | Absent
  readonly Engine?: string | Absent
  readonly EngineVersion?: string | Absent
  readonly LatestRestorableTime?: string | Absent
  readonly Port?: number | Absent
  readonly MasterUsername?: string | Absent
  readonly DBClusterOptionGroupMemberships?: readonly DBClusterOptionGroupStatus[] | Absent
  readonly PreferredBackupWindow?: string | Absent
  readonly PreferredMaintenanceWindow?: string | Absent
  readonly UpgradeRolloutOrder?: UpgradeRolloutOrder | Absent
  readonly ReplicationSourceIdentifier?: string | Absent
  readonly ReadReplicaIdentifiers?: readonly string[] | Absent
  readonly StatusInfos?: readonly DBClusterStatusInfo[] | Absent
  readonly DBClusterMembers?: readonly DBClusterMember[] | Absent
  readonly VpcSecurityGroups?: readonly VpcSecurityGroupMembership[] | Absent
  readonly HostedZoneId?: string | Absent
  readonly StorageEncrypted?: boolean | Absent
  readonly StorageEncryptionType?: StorageEncryptionType | Absent
  readonly KmsKeyId?: string | Absent
  readonly DbClusterResourceId?: string | Absent
  readonly DBClusterArn?: string | Absent
  readonly AssociatedRoles?: readonly DBClusterRole[] | Absent
  readonly IAMDatabaseAuthenticationEnabled?: boolean | Absent
  readonly CloneGroupId?: string | Absent
  readonly ClusterCreateTime?: string | Absent
  readonly EarliestBacktrackTime?: string | Absent
  readonly BacktrackWindow?: number | Absent
  readonly BacktrackConsumedChangeRecords?: number | Absent
  readonly EnabledCloudwatchLogsExports?: readonly string[] | Absent
  readonly Capacity?: number | Absent
  readonly PendingModifiedValues?: ClusterPendingModifiedValues | Absent
  readonly EngineMode?: string | Absent
  readonly ScalingConfigurationInfo?: ScalingConfigurationInfo | Absent
  readonly RdsCustomClusterConfiguration?: RdsCustomClusterConfiguration | Absent
  readonly DBClusterInstanceClass?: string | Absent
  readonly StorageType?: string | Absent
  readonly Iops?: number | Absent
  readonly StorageThroughput?: number | Absent
  readonly IOOptimizedNextAllowedModificationTime?: string | Absent
  readonly PubliclyAccessible?: boolean | Absent
  readonly AutoMinorVersionUpgrade?: boolean | Absent
  readonly DeletionProtection?: boolean | Absent
  readonly HttpEndpointEnabled?: boolean | Absent
  readonly ActivityStreamMode?: ActivityStreamMode | Absent
  readonly ActivityStreamStatus?: ActivityStreamStatus | Absent
  readonly ActivityStreamKmsKeyId?: string | Absent
  readonly ActivityStreamKinesisStreamName?: string | Absent
  readonly CopyTagsToSnapshot?: boolean | Absent
  readonly CrossAccountClone?: boolean | Absent
  readonly DomainMemberships?: readonly DomainMembership[] | Absent
  readonly TagList?: readonly Tag[] | Absent
  readonly GlobalClusterIdentifier?: string | Absent
  readonly GlobalWriteForwardingStatus?: WriteForwardingStatus | Absent
  readonly GlobalWriteForwardingRequested?: boolean | Absent
  readonly NetworkType?: string | Absent
  readonly AutomaticRestartTime?: string | Absent
  readonly ServerlessV2ScalingConfiguration?: ServerlessV2ScalingConfigurationInfo | Absent
  readonly ServerlessV2PlatformVersion?: string | Absent
  readonly MonitoringInterval?: number | Absent
  readonly MonitoringRoleArn?: string | Absent
  readonly DatabaseInsightsMode?: DatabaseInsightsMode | Absent
  readonly PerformanceInsightsEnabled?: boolean | Absent
  readonly PerformanceInsightsKMSKeyId?: string | Absent
  readonly PerformanceInsightsRetentionPeriod?: number | Absent
  readonly DBSystemId?: string | Absent
  readonly MasterUserSecret?: MasterUserSecret | Absent
  readonly LocalWriteForwardingStatus?: LocalWriteForwardingStatus | Absent
  readonly AwsBackupRecoveryPointArn?: string | Absent
  readonly LimitlessDatabase?: LimitlessDatabase | Absent
  readonly ClusterScalabilityType?: ClusterScalabilityType | Absent
  readonly CertificateDetails?: CertificateDetails | Absent
  readonly EngineLifecycleSupport?: string | Absent
  readonly VPCNetworkingEnabled?: boolean | Absent
  readonly InternetAccessGatewayEnabled?: boolean | Absent
}

export type DBClusterMember = {
  readonly DBInstanceIdentifier?: string | Absent
  readonly IsClusterWriter?: boolean | Absent
  readonly DBClusterParameterGroupStatus?: string | Absent
  readonly PromotionTier?: number | Absent
}

export type DBClusterMessage = {
  readonly Marker?: string | Absent
  readonly DBClusters?: readonly DBCluster[] | Absent
}

export type DBClusterOptionGroupStatus = {
  readonly DBClusterOptionGroupName?: string | Absent
  readonly Status?: string | Absent
}

export type DBClusterParameterGroup = {
  readonly DBClusterParameterGroupName?: string | Absent
  readonly DBParameterGroupFamily?: string | Absent
  readonly Description?: string | Absent
  readonly DBClusterParameterGroupArn?: string | Absent
}

export type DBClusterParameterGroupDetails = {
  readonly Parameters?: readonly Parameter[] | Absent
  readonly Marker?: string | Absent
}

export type DBClusterParameterGroupNameMessage = {
  readonly DBClusterParameterGroupName?: string | Absent
}

export type DBClusterParameterGroupsMessage = {
  readonly Marker?: string | Absent
  readonly DBClusterParameterGroups?: readonly DBClusterParameterGroup[] | Absent
}

export type DBClusterRole = {
  readonly RoleArn?: string | Absent
  readonly Status?: string | Absent
  readonly FeatureName?: string | Absent
}

export type DBClusterSnapshot = {
  readonly AvailabilityZones?: readonly string[] | Absent
  readonly DBClusterSnapshotIdentifier?: string | Absent
  readonly DBClusterIdentifier?: string | Absent
  readonly SnapshotCreateTime?: string | Absent
  readonly Engine?: string | Absent
  readonly EngineMode?: string | Absent
  readonly AllocatedStorage?: number | Absent
  readonly Status?: string | Absent
  readonly Port?: number | Absent
  readonly VpcId?: string | Absent
  readonly ClusterCreateTime?: string | Absent
  readonly MasterUsername?: string | Absent
  readonly EngineVersion?: string | Absent
  readonly LicenseModel?: string | Absent
  readonly SnapshotType?: string | Absent
  readonly PercentProgress?: number | Absent
  readonly StorageEncrypted?: boolean | Absent
  readonly StorageEncryptionType?: StorageEncryptionType | Absent
  readonly BackupRetentionPeriod?: number | Absent
  readonly PreferredBackupWindow?: string | Absent
  readonly KmsKeyId?: string | Absent
  readonly DBClusterSnapshotArn?: string | Absent
  readonly SourceDBClusterSnapshotArn?: string | Absent
  readonly IAMDatabaseAuthenticationEnabled?: boolean | Absent
  readonly TagList?: readonly Tag[] | Absent
  readonly StorageType?: string | Absent
  readonly StorageThroughput?: number | Absent
  readonly DbClusterResourceId?: string | Absent
  readonly DBSystemId?: string | Absent
}

export type DBClusterSnapshotAttribute = {
  readonly AttributeName?: string | Absent
  readonly AttributeValues?: readonly string[] | Absent
}

export type DBClusterSnapshotAttributesResult = {
  readonly DBClusterSnapshotIdentifier?: string | Absent
  readonly DBClusterSnapshotAttributes?: readonly DBClusterSnapshotAttribute[] | Absent
}

export type DBClusterSnapshotMessage = {
  readonly Marker?: string | Absent
  readonly DBClusterSnapshots?: readonly DBClusterSnapshot[] | Absent
}

export type DBClusterStatusInfo = {
  readonly StatusType?: string | Absent
  readonly Normal?: boolean | Absent
  readonly Status?: string | Absent
  readonly Message?: string | Absent
}

export type DBEngineVersion = {
  readonly Engine?: string | Absent
  readonly MajorEngineVersion?: string | Absent
  readonly EngineVersion?: string | Absent
  readonly DatabaseInstallationFilesS3BucketName?: string | Absent
  readonly DatabaseInstallationFilesS3Prefix?: string | Absent
  readonly DatabaseInstallationFiles?: readonly string[] | Absent
  readonly CustomDBEngineVersionManifest?: string | Absent
  readonly DBParameterGroupFamily?: string | Absent
  readonly DBEngineDescription?: string | Absent
  readonly DBEngineVersionArn?: string | Absent
  readonly DBEngineVersionDescription?: string | Absent
  readonly DefaultCharacterSet?: CharacterSet | Absent
  readonly FailureReason?: string | Absent
  readonly Image?: CustomDBEngineVersionAMI | Absent
  readonly DBEngineMediaType?: string | Absent
  readonly KMSKeyId?: string | Absent
  readonly CreateTime?: string | Absent
  readonly SupportedCharacterSets?: readonly CharacterSet[] | Absent
  readonly SupportedNcharCharacterSets?: readonly CharacterSet[] | Absent
  readonly ValidUpgradeTarget?: readonly UpgradeTarget[] | Absent
  readonly SupportedTimezones?: readonly Timezone[] | Absent
  readonly ExportableLogTypes?: readonly string[] | Absent
  readonly SupportsLogExportsToCloudwatchLogs?: boolean | Absent
  readonly SupportsReadReplica?: boolean | Absent
  readonly SupportedEngineModes?: readonly string[] | Absent
  readonly SupportedFeatureNames?: readonly string[] | Absent
  readonly Status?: string | Absent
  readonly SupportsParallelQuery?: boolean | Absent
  readonly SupportsGlobalDatabases?: boolean | Absent
  readonly TagList?: readonly Tag[] | Absent
  readonly SupportsBabelfish?: boolean | Absent
  readonly SupportsLimitlessDatabase?: boolean | Absent
  readonly SupportsCertificateRotationWithoutRestart?: boolean | Absent
  readonly SupportedCACertificateIdentifiers?: readonly string[] | Absent
  readonly SupportsLocalWriteForwarding?: boolean | Absent
  readonly SupportsIntegrations?: boolean | Absent
  readonly ServerlessV2FeaturesSupport?: ServerlessV2FeaturesSupport | Absent
}

export type DBEngineVersionMessage = {
  readonly Marker?: string | Absent
  readonly DBEngineVersions?: readonly DBEngineVersion[] | Absent
}

export type DBInstance = {
  readonly DBInstanceIdentifier?: string | Absent
  readonly DBInstanceClass?: string | Absent
  readonly Engine?: string | Absent
  readonly DBInstanceStatus?: string | Absent
  readonly MasterUsername?: string | Absent
  readonly DBName?: string | Absent
  readonly Endpoint?: Endpoint | Absent
  readonly AllocatedStorage?: number | Absent
  readonly InstanceCreateTime?: string | Absent
  readonly PreferredBackupWindow?: string | Absent
  readonly BackupRetentionPeriod?: number | Absent
  readonly DBSecurityGroups?: readonly DBSecurityGroupMembership[] | Absent
  readonly VpcSecurityGroups?: readonly VpcSecurityGroupMembership[] | Absent
  readonly DBParameterGroups?: readonly DBParameterGroupStatus[] | Absent
  readonly AvailabilityZone?: string | Absent
  readonly DBSubnetGroup?: DBSubnetGroup | Absent
  readonly PreferredMaintenanceWindow?: string | Absent
  readonly UpgradeRolloutOrder?: UpgradeRolloutOrder | Absent
  readonly PendingModifiedValues?: PendingModifiedValues | Absent
  readonly LatestRestorableTime?: string | Absent
  readonly MultiAZ?: boolean | Absent
  readonly EngineVersion?: string | Absent
  readonly AutoMinorVersionUpgrade?: boolean | Absent
  readonly ReadReplicaSourceDBInstanceIdentifier?: string | Absent
  readonly ReadReplicaDBInstanceIdentifiers?: readonly string[] | Absent
  readonly ReadReplicaDBClusterIdentifiers?: readonly string[] | Absent
  readonly ReplicaMode?: ReplicaMode | Absent
  readonly LicenseModel?: string | Absent
  readonly Iops?: number | Absent
  readonly StorageThroughput?: number | Absent
  readonly OptionGroupMemberships?: readonly OptionGroupMembership[] | Absent
  readonly CharacterSetName?: string | Absent
  readonly NcharCharacterSetName?: string | Absent
  readonly SecondaryAvailabilityZone?: string | Absent
  readonly PubliclyAccessible?: boolean | Absent
  readonly StatusInfos?: readonly DBInstanceStatusInfo[] | Absent
  readonly StorageType?: string | Absent
  readonly StorageEncryptionType?: StorageEncryptionType | Absent
  readonly TdeCredentialArn?: string | Absent
  readonly DbInstancePort?: number | Absent
  readonly DBClusterIdentifier?: string | Absent
  readonly StorageEncrypted?: boolean | Absent
  readonly KmsKeyId?: string | Absent
  readonly DbiResourceId?: string | Absent
  readonly CACertificateIdentifier?: string | Absent
  readonly DomainMemberships?: readonly DomainMembership[] | Absent
  readonly CopyTagsToSnapshot?: boolean | Absent
  readonly MonitoringInterval?: number | Absent
  readonly EnhancedMonitoringResourceArn?: string | Absent
  readonly MonitoringRoleArn?: string | Absent
  readonly PromotionTier?: number | Absent
  readonly DBInstanceArn?: string | Absent
  readonly Timezone?: string | Absent
  readonly IAMDatabaseAuthenticationEnabled?: boolean | Absent
  readonly DatabaseInsightsMode?: DatabaseInsightsMode | Absent
  readonly PerformanceInsightsEnabled?: boolean | Absent
  readonly PerformanceInsightsKMSKeyId?: string | Absent
  readonly PerformanceInsightsRetentionPeriod?: number | Absent
  readonly EnabledCloudwatchLogsExports?: readonly string[] | Absent
  readonly ProcessorFeatures?: readonly ProcessorFeature[] | Absent
  readonly DeletionProtection?: boolean | Absent
  readonly AssociatedRoles?: readonly DBInstanceRole[] | Absent
  readonly ListenerEndpoint?: Endpoint | Absent
  readonly MaxAllocatedStorage?: number | Absent
  readonly TagList?: readonly Tag[] | Absent
  readonly AutomationMode?: AutomationMode | Absent
  readonly ResumeFullAutomationModeTime?: string | Absent
  readonly CustomerOwnedIpEnabled?: boolean | Absent
  readonly NetworkType?: string | Absent
  readonly ActivityStreamStatus?: ActivityStreamStatus | Absent
  readonly ActivityStreamKmsKeyId?: string | Absent
  readonly ActivityStreamKinesisStreamName?: string | Absent
  readonly ActivityStreamMode?: ActivityStreamMode | Absent
  readonly ActivityStreamEngineNativeAuditFieldsIncluded?: boolean | Absent
  readonly AwsBackupRecoveryPointArn?: string | Absent
  readonly DBInstanceAutomatedBackupsReplications?: readonly DBInstanceAutomatedBackupsReplication[] | Absent
  readonly BackupTarget?: string | Absent
  readonly AutomaticRestartTime?: string | Absent
  readonly CustomIamInstanceProfile?: string | Absent
  readonly ActivityStreamPolicyStatus?: ActivityStreamPolicyStatus | Absent
  readonly CertificateDetails?: CertificateDetails | Absent
  readonly DBSystemId?: string | Absent
  readonly MasterUserSecret?: MasterUserSecret | Absent
  readonly ReadReplicaSourceDBClusterIdentifier?: string | Absent
  readonly PercentProgress?: string | Absent
  readonly MultiTenant?: boolean | Absent
  readonly DedicatedLogVolume?: boolean | Absent
  readonly IsStorageConfigUpgradeAvailable?: boolean | Absent
  readonly EngineLifecycleSupport?: string | Absent
  readonly AdditionalStorageVolumes?: readonly AdditionalStorageVolumeOutput[] | Absent
  readonly StorageVolumeStatus?: string | Absent
  readonly StorageOperationStatus?: string | Absent
  readonly StorageOperationPercentProgress?: number | Absent
  readonly DBCapacityReservationIdentifier?: string | Absent
}

export type DBInstanceAutomatedBackup = {
  readonly DBInstanceArn?: string | Absent
  readonly DbiResourceId?: string | Absent
  readonly Region?: string | Absent
  readonly DBInstanceIdentifier?: string | Absent
  readonly RestoreWindow?: RestoreWindow | Absent
  readonly AllocatedStorage?: number | Absent
  readonly Status?: string | Absent
  readonly Port?: number | Absent
  readonly AvailabilityZone?: string | Absent
  readonly VpcId?: string | Absent
  readonly InstanceCreateTime?: string | Absent
  readonly MasterUsername?: string | Absent
  readonly Engine?: string | Absent
  readonly EngineVersion?: string | Absent
  readonly LicenseModel?: string | Absent
  readonly Iops?: number | Absent
  readonly StorageThroughput?: number | Absent
  readonly OptionGroupName?: string | Absent
  readonly TdeCredentialArn?: string | Absent
  readonly Encrypted?: boolean | Absent
  readonly StorageEncryptionType?: StorageEncryptionType | Absent
  readonly StorageType?: string | Absent
  readonly KmsKeyId?: string | Absent
  readonly Timezone?: string | Absent
  readonly IAMDatabaseAuthenticationEnabled?: boolean | Absent
  readonly BackupRetentionPeriod?: number | Absent
  readonly PreferredBackupWindow?: string | Absent
  readonly DBInstanceAutomatedBackupsArn?: string | Absent
  readonly DBInstanceAutomatedBackupsReplications?: readonly DBInstanceAutomatedBackupsReplication[] | Absent
  readonly BackupTarget?: string | Absent
  readonly MultiTenant?: boolean | Absent
  readonly AwsBackupRecoveryPointArn?: string | Absent
  readonly TagList?: readonly Tag[] | Absent
  readonly DedicatedLogVolume?: boolean | Absent
  readonly AdditionalStorageVolumes?: readonly AdditionalStorageVolume[] | Absent
}

export type DBInstanceAutomatedBackupMessage = {
  readonly Marker?: string | Absent
  readonly DBInstanceAutomatedBackups?: readonly DBInstanceAutomatedBackup[] | Absent
}

export type DBInstanceAutomatedBackupsReplication = {
  readonly DBInstanceAutomatedBackupsArn?: string | Absent
}

export type DBInstanceMessage = {
  readonly Marker?: string | Absent
  readonly DBInstances?: readonly DBInstance[] | Absent
}

export type DBInstanceRole = {
  readonly RoleArn?: string | Absent
  readonly FeatureName?: string | Absent
  readonly Status?: string | Absent
}

export type DBInstanceStatusInfo = {
  readonly StatusType?: string | Absent
  readonly Normal?: boolean | Absent
  readonly Status?: string | Absent
  readonly Message?: string | Absent
}

export type DBParameterGroup = {
  readonly DBParameterGroupName?: string | Absent
  readonly DBParameterGroupFamily?: string | Absent
  readonly Description?: string | Absent
  readonly DBParameterGroupArn?: string | Absent
}

export type DBParameterGroupDetails = {
  readonly Parameters?: readonly Parameter[] | Absent
  readonly Marker?: string | Absent
}

export type DBParameterGroupNameMessage = {
  readonly DBParameterGroupName?: string | Absent
}

export type DBParameterGroupStatus = {
  readonly DBParameterGroupName?: string | Absent
  readonly ParameterApplyStatus?: string | Absent
}

export type DBParameterGroupsMessage = {
  readonly Marker?: string | Absent
  readonly DBParameterGroups?: readonly DBParameterGroup[] | Absent
}

export type DBSecurityGroupMembership = {
  readonly DBSecurityGroupName?: string | Absent
  readonly Status?: string | Absent
}

export type DBSnapshot = {
  readonly DBSnapshotIdentifier?: string | Absent
  readonly DBInstanceIdentifier?: string | Absent
  readonly SnapshotCreateTime?: string | Absent
  readonly Engine?: string | Absent
  readonly AllocatedStorage?: number | Absent
  readonly Status?: string | Absent
  readonly Port?: number | Absent
  readonly AvailabilityZone?: string | Absent
  readonly VpcId?: string | Absent
  readonly InstanceCreateTime?: string | Absent
  readonly MasterUsername?: string | Absent
  readonly EngineVersion?: string | Absent
  readonly LicenseModel?: string | Absent
  readonly SnapshotType?: string | Absent
  readonly Iops?: number | Absent
  readonly StorageThroughput?: number | Absent
  readonly OptionGroupName?: string | Absent
  readonly PercentProgress?: number | Absent
  readonly SourceRegion?: string | Absent
  readonly SourceDBSnapshotIdentifier?: string | Absent
  readonly StorageType?: string | Absent
  readonly TdeCredentialArn?: string | Absent
  readonly Encrypted?: boolean | Absent
  readonly StorageEncryptionType?: StorageEncryptionType | Absent
  readonly BackupRetentionPeriod?: number | Absent
  readonly PreferredBackupWindow?: string | Absent
  readonly KmsKeyId?: string | Absent
  readonly DBSnapshotArn?: string | Absent
  readonly Timezone?: string | Absent
  readonly IAMDatabaseAuthenticationEnabled?: boolean | Absent
  readonly ProcessorFeatures?: readonly ProcessorFeature[] | Absent
  readonly DbiResourceId?: string | Absent
  readonly TagList?: readonly Tag[] | Absent
  readonly SnapshotTarget?: string | Absent
  readonly OriginalSnapshotCreateTime?: string | Absent
  readonly SnapshotDatabaseTime?: string | Absent
  readonly DBSystemId?: string | Absent
  readonly MultiTenant?: boolean | Absent
  readonly DedicatedLogVolume?: boolean | Absent
  readonly AdditionalStorageVolumes?: readonly AdditionalStorageVolume[] | Absent
  readonly SnapshotAvailabilityZone?: string | Absent
  readonly FullSnapshotSizeInBytes?: number | Absent
}

export type DBSnapshotAttribute = {
  readonly AttributeName?: string | Absent
  readonly AttributeValues?: readonly string[] | Absent
}

export type DBSnapshotAttributesResult = {
  readonly DBSnapshotIdentifier?: string | Absent
  readonly DBSnapshotAttributes?: readonly DBSnapshotAttribute[] | Absent
}

export type DBSnapshotMessage = {
  readonly Marker?: string | Absent
  readonly DBSnapshots?: readonly DBSnapshot[] | Absent
}

export type DBSubnetGroup = {
  readonly DBSubnetGroupName?: string | Absent
  readonly DBSubnetGroupDescription?: string | Absent
  readonly VpcId?: string | Absent
  readonly SubnetGroupStatus?: string | Absent
  readonly Subnets?: readonly Subnet[] | Absent
  readonly DBSubnetGroupArn?: string | Absent
  readonly SupportedNetworkTypes?: readonly string[] | Absent
}

export type DBSubnetGroupMessage = {
  readonly Marker?: string | Absent
  readonly DBSubnetGroups?: readonly DBSubnetGroup[] | Absent
}

export type DeleteBlueGreenDeploymentResponse = {
  readonly BlueGreenDeployment?: BlueGreenDeployment | Absent
}

export type DeleteDBClusterResult = {
  readonly DBCluster?: DBCluster | Absent
}

export type DeleteDBClusterSnapshotResult = {
  readonly DBClusterSnapshot?: DBClusterSnapshot | Absent
}

export type DeleteDBInstanceAutomatedBackupResult = {
  readonly DBInstanceAutomatedBackup?: DBInstanceAutomatedBackup | Absent
}

export type DeleteDBInstanceResult = {
  readonly DBInstance?: DBInstance | Absent
}

export type DeleteDBSnapshotResult = {
  readonly DBSnapshot?: DBSnapshot | Absent
}

export type DeleteGlobalClusterResult = {
  readonly GlobalCluster?: GlobalCluster | Absent
}

export type DescribeBlueGreenDeploymentsResponse = {
  readonly BlueGreenDeployments?: readonly BlueGreenDeployment[] | Absent
  readonly Marker?: string | Absent
}

export type DescribeDBClusterSnapshotAttributesResult = {
  readonly DBClusterSnapshotAttributesResult?: DBClusterSnapshotAttributesResult | Absent
}

export type DescribeDBLogFilesDetails = {
  readonly LogFileName?: string | Absent
  readonly LastWritten?: number | Absent
  readonly Size?: number | Absent
}

export type DescribeDBLogFilesResponse = {
  readonly DescribeDBLogFiles?: readonly DescribeDBLogFilesDetails[] | Absent
  readonly Marker?: string | Absent
}

export type DescribeDBSnapshotAttributesResult = {
  readonly DBSnapshotAttributesResult?: DBSnapshotAttributesResult | Absent
}

export type DomainMembership = {
  readonly Domain?: string | Absent
  readonly Status?: string | Absent
  readonly FQDN?: string | Absent
  readonly IAMRoleName?: string | Absent
  readonly OU?: string | Absent
  readonly AuthSecretArn?: string | Absent
  readonly DnsIps?: readonly string[] | Absent
}

export type DownloadDBLogFilePortionDetails = {
  readonly LogFileData?: string | Absent
  readonly Marker?: string | Absent
  readonly AdditionalDataPending?: boolean | Absent
}

export type Endpoint = {
  readonly Address?: string | Absent
  readonly Port?: number | Absent
  readonly HostedZoneId?: string | Absent
}

export type Event = {
  readonly SourceIdentifier?: string | Absent
  readonly SourceType?: SourceType | Absent
  readonly Message?: string | Absent
  readonly EventCategories?: readonly string[] | Absent
  readonly Date?: string | Absent
  readonly SourceArn?: string | Absent
}

export type EventCategoriesMap = {
  readonly SourceType?: string | Absent
  readonly EventCategories?: readonly string[] | Absent
}

export type EventCategoriesMessage = {
  readonly EventCategoriesMapList?: readonly EventCategoriesMap[] | Absent
}

export type EventsMessage = {
  readonly Marker?: string | Absent
  readonly Events?: readonly Event[] | Absent
}

export type FailoverDBClusterResult = {
  readonly DBCluster?: DBCluster | Absent
}

export type FailoverGlobalClusterResult = {
  readonly GlobalCluster?: GlobalCluster | Absent
}

export type FailoverState = {
  readonly Status?: FailoverStatus | Absent
  readonly FromDbClusterArn?: string | Absent
  readonly ToDbClusterArn?: string | Absent
  readonly IsDataLossAllowed?: boolean | Absent
}

export type GlobalCluster = {
  readonly GlobalClusterIdentifier?: string | Absent
  readonly GlobalClusterResourceId?: string | Absent
  readonly GlobalClusterArn?: string | Absent
  readonly Status?: string | Absent
  readonly Engine?: string | Absent
  readonly EngineVersion?: string | Absent
  readonly EngineLifecycleSupport?: string | Absent
  readonly DatabaseName?: string | Absent
  readonly StorageEncrypted?: boolean | Absent
  readonly StorageEncryptionType?: StorageEncryptionType | Absent
  readonly DeletionProtection?: boolean | Absent
  readonly GlobalClusterMembers?: readonly GlobalClusterMember[] | Absent
  readonly Endpoint?: string | Absent
  readonly FailoverState?: FailoverState | Absent
  readonly TagList?: readonly Tag[] | Absent
}

export type GlobalClusterMember = {
  readonly DBClusterArn?: string | Absent
  readonly Readers?: readonly string[] | Absent
  readonly IsWriter?: boolean | Absent
  readonly GlobalWriteForwardingStatus?: WriteForwardingStatus | Absent
  readonly SynchronizationStatus?: GlobalClusterMemberSynchronizationStatus | Absent
}

export type GlobalClustersMessage = {
  readonly Marker?: string | Absent
  readonly GlobalClusters?: readonly GlobalCluster[] | Absent
}

export type LimitlessDatabase = {
  readonly Status?: LimitlessDatabaseStatus | Absent
  readonly MinRequiredACU?: number | Absent
}

export type MasterUserSecret = {
  readonly SecretArn?: string | Absent
  readonly SecretStatus?: string | Absent
  readonly KmsKeyId?: string | Absent
}

export type ModifyDBClusterResult = {
  readonly DBCluster?: DBCluster | Absent
}

export type ModifyDBClusterSnapshotAttributeResult = {
  readonly DBClusterSnapshotAttributesResult?: DBClusterSnapshotAttributesResult | Absent
}

export type ModifyDBInstanceResult = {
  readonly DBInstance?: DBInstance | Absent
}

export type ModifyDBSnapshotAttributeResult = {
  readonly DBSnapshotAttributesResult?: DBSnapshotAttributesResult | Absent
}

export type ModifyDBSubnetGroupResult = {
  readonly DBSubnetGroup?: DBSubnetGroup | Absent
}

export type ModifyGlobalClusterResult = {
  readonly GlobalCluster?: GlobalCluster | Absent
}

export type OptionGroupMembership = {
  readonly OptionGroupName?: string | Absent
  readonly Status?: string | Absent
}

export type OrderableDBInstanceOption = {
  readonly Engine?: string | Absent
  readonly EngineVersion?: string | Absent
  readonly DBInstanceClass?: string | Absent
  readonly LicenseModel?: string | Absent
  readonly AvailabilityZoneGroup?: string | Absent
  readonly AvailabilityZones?: readonly AvailabilityZone[] | Absent
  readonly MultiAZCapable?: boolean | Absent
  readonly ReadReplicaCapable?: boolean | Absent
  readonly Vpc?: boolean | Absent
  readonly SupportsStorageEncryption?: boolean | Absent
  readonly StorageType?: string | Absent
  readonly SupportsIops?: boolean | Absent
  readonly SupportsStorageThroughput?: boolean | Absent
  readonly SupportsEnhancedMonitoring?: boolean | Absent
  readonly SupportsIAMDatabaseAuthentication?: boolean | Absent
  readonly SupportsPerformanceInsights?: boolean | Absent
  readonly MinStorageSize?: number | Absent
  readonly MaxStorageSize?: number | Absent
  readonly MinIopsPerDbInstance?: number | Absent
  readonly MaxIopsPerDbInstance?: number | Absent
  readonly MinIopsPerGib?: number | Absent
  readonly MaxIopsPerGib?: number | Absent
  readonly MinStorageThroughputPerDbInstance?: number | Absent
  readonly MaxStorageThroughputPerDbInstance?: number | Absent
  readonly MinStorageThroughputPerIops?: number | Absent
  readonly MaxStorageThroughputPerIops?: number | Absent
  readonly AvailableProcessorFeatures?: readonly AvailableProcessorFeature[] | Absent
  readonly SupportedEngineModes?: readonly string[] | Absent
  readonly SupportsStorageAutoscaling?: boolean | Absent
  readonly SupportsKerberosAuthentication?: boolean | Absent
  readonly OutpostCapable?: boolean | Absent
  readonly SupportedActivityStreamModes?: readonly string[] | Absent
  readonly SupportsGlobalDatabases?: boolean | Absent
  readonly SupportedNetworkTypes?: readonly string[] | Absent
  readonly SupportsClusters?: boolean | Absent
  readonly SupportsDedicatedLogVolume?: boolean | Absent
  readonly SupportsAdditionalStorageVolumes?: boolean | Absent
  readonly SupportsHttpEndpoint?: boolean | Absent
  readonly AvailableAdditionalStorageVolumesOptions?: readonly AvailableAdditionalStorageVolumesOption[] | Absent
}

export type OrderableDBInstanceOptionsMessage = {
  readonly OrderableDBInstanceOptions?: readonly OrderableDBInstanceOption[] | Absent
  readonly Marker?: string | Absent
}

export type Outpost = {
  readonly Arn?: string | Absent
}

export type Parameter = {
  readonly ParameterName?: string | Absent
  readonly ParameterValue?: string | Absent
  readonly Description?: string | Absent
  readonly Source?: string | Absent
  readonly ApplyType?: string | Absent
  readonly DataType?: string | Absent
  readonly AllowedValues?: string | Absent
  readonly IsModifiable?: boolean | Absent
  readonly MinimumEngineVersion?: string | Absent
  readonly ApplyMethod?: ApplyMethod | Absent
  readonly SupportedEngineModes?: readonly string[] | Absent
}

export type PendingCloudwatchLogsExports = {
  readonly LogTypesToEnable?: readonly string[] | Absent
  readonly LogTypesToDisable?: readonly string[] | Absent
}

export type PendingModifiedValues = {
  readonly DBInstanceClass?: string | Absent
  readonly AllocatedStorage?: number | Absent
  readonly MasterUserPassword?: string | Absent
  readonly Port?: number | Absent
  readonly BackupRetentionPeriod?: number | Absent
  readonly MultiAZ?: boolean | Absent
  readonly EngineVersion?: string | Absent
  readonly LicenseModel?: string | Absent
  readonly Iops?: number | Absent
  readonly StorageThroughput?: number | Absent
  readonly DBInstanceIdentifier?: string | Absent
  readonly StorageType?: string | Absent
  readonly CACertificateIdentifier?: string | Absent
  readonly DBSubnetGroupName?: string | Absent
  readonly PendingCloudwatchLogsExports?: PendingCloudwatchLogsExports | Absent
  readonly ProcessorFeatures?: readonly ProcessorFeature[] | Absent
  readonly AutomationMode?: AutomationMode | Absent
  readonly ResumeFullAutomationModeTime?: string | Absent
  readonly MultiTenant?: boolean | Absent
  readonly IAMDatabaseAuthenticationEnabled?: boolean | Absent
  readonly DedicatedLogVolume?: boolean | Absent
  readonly Engine?: string | Absent
  readonly AdditionalStorageVolumes?: readonly AdditionalStorageVolume[] | Absent
  readonly DBCapacityReservationIdentifier?: string | Absent
}

export type ProcessorFeature = {
  readonly Name?: string | Absent
  readonly Value?: string | Absent
}

export type PromoteReadReplicaResult = {
  readonly DBInstance?: DBInstance | Absent
}

export type RdsCustomClusterConfiguration = {
  readonly InterconnectSubnetId?: string | Absent
  readonly TransitGatewayMulticastDomainId?: string | Absent
  readonly ReplicaMode?: ReplicaMode | Absent
}

export type RebootDBClusterResult = {
  readonly DBCluster?: DBCluster | Absent
}

export type RebootDBInstanceResult = {
  readonly DBInstance?: DBInstance | Absent
}

export type RemoveFromGlobalClusterResult = {
  readonly GlobalCluster?: GlobalCluster | Absent
}

export type RestoreDBClusterFromSnapshotResult = {
  readonly DBCluster?: DBCluster | Absent
}

export type RestoreDBClusterToPointInTimeResult = {
  readonly DBCluster?: DBCluster | Absent
}

export type RestoreDBInstanceFromDBSnapshotResult = {
  readonly DBInstance?: DBInstance | Absent
}

export type RestoreDBInstanceToPointInTimeResult = {
  readonly DBInstance?: DBInstance | Absent
}

export type RestoreWindow = {
  readonly EarliestTime?: string | Absent
  readonly LatestTime?: string | Absent
}

export type ScalingConfigurationInfo = {
  readonly MinCapacity?: number | Absent
  readonly MaxCapacity?: number | Absent
  readonly AutoPause?: boolean | Absent
  readonly SecondsUntilAutoPause?: number | Absent
  readonly TimeoutAction?: string | Absent
  readonly SecondsBeforeTimeout?: number | Absent
}

export type ServerlessV2FeaturesSupport = {
  readonly MinCapacity?: number | Absent
  readonly MaxCapacity?: number | Absent
}

export type ServerlessV2ScalingConfigurationInfo = {
  readonly MinCapacity?: number | Absent
  readonly MaxCapacity?: number | Absent
  readonly SecondsUntilAutoPause?: number | Absent
}

export type StartDBClusterResult = {
  readonly DBCluster?: DBCluster | Absent
}

export type StartDBInstanceResult = {
  readonly DBInstance?: DBInstance | Absent
}

export type StopDBClusterResult = {
  readonly DBCluster?: DBCluster | Absent
}

export type StopDBInstanceResult = {
  readonly DBInstance?: DBInstance | Absent
}

export type Subnet = {
  readonly SubnetIdentifier?: string | Absent
  readonly SubnetAvailabilityZone?: AvailabilityZone | Absent
  readonly SubnetOutpost?: Outpost | Absent
  readonly SubnetStatus?: string | Absent
}

export type SwitchoverBlueGreenDeploymentResponse = {
  readonly BlueGreenDeployment?: BlueGreenDeployment | Absent
}

export type SwitchoverDetail = {
  readonly SourceMember?: string | Absent
  readonly TargetMember?: string | Absent
  readonly Status?: string | Absent
}

export type SwitchoverGlobalClusterResult = {
  readonly GlobalCluster?: GlobalCluster | Absent
}

export type SwitchoverReadReplicaResult = {
  readonly DBInstance?: DBInstance | Absent
}

export type Tag = {
  readonly Key?: string | Absent
  readonly Value?: string | Absent
}

export type TagListMessage = {
  readonly TagList?: readonly Tag[] | Absent
}

export type Timezone = {
  readonly TimezoneName?: string | Absent
}

export type UpgradeTarget = {
  readonly Engine?: string | Absent
  readonly EngineVersion?: string | Absent
  readonly Description?: string | Absent
  readonly AutoUpgrade?: boolean | Absent
  readonly IsMajorVersionUpgrade?: boolean | Absent
  readonly SupportedEngineModes?: readonly string[] | Absent
  readonly SupportsParallelQuery?: boolean | Absent
  readonly SupportsGlobalDatabases?: boolean | Absent
  readonly SupportsBabelfish?: boolean | Absent
  readonly SupportsLimitlessDatabase?: boolean | Absent
  readonly SupportsLocalWriteForwarding?: boolean | Absent
  readonly SupportsIntegrations?: boolean | Absent
}

export type VpcSecurityGroupMembership = {
  readonly VpcSecurityGroupId?: string | Absent
  readonly Status?: string | Absent
}

export type ActivityStreamMode = 'async' | 'sync'

export type ActivityStreamPolicyStatus = 'locked' | 'locking-policy' | 'unlocked' | 'unlocking-policy'

export type ActivityStreamStatus = 'started' | 'starting' | 'stopped' | 'stopping'

export type ApplyMethod = 'immediate' | 'pending-reboot'

export type AutomationMode = 'all-paused' | 'full'

export type ClusterScalabilityType = 'limitless' | 'standard'

export type DatabaseInsightsMode = 'advanced' | 'standard'

export type FailoverStatus = 'cancelling' | 'failing-over' | 'pending'

export type GlobalClusterMemberSynchronizationStatus = 'connected' | 'pending-resync'

export type LimitlessDatabaseStatus = 'active' | 'disabled' | 'disabling' | 'enabled' | 'enabling' | 'error' | 'modifying-max-capacity' | 'not-in-use'

export type LocalWriteForwardingStatus = 'disabled' | 'disabling' | 'enabled' | 'enabling' | 'requested'

export type ReplicaMode = 'mounted' | 'open-read-only'

export type SourceType = 'blue-green-deployment' | 'custom-engine-version' | 'db-cluster' | 'db-cluster-snapshot' | 'db-instance' | 'db-parameter-group' | 'db-proxy' | 'db-security-group' | 'db-shard-group' | 'db-snapshot' | 'zero-etl'

export type StorageEncryptionType = 'sse-kms' | 'sse-rds' | 'none'

export type UpgradeRolloutOrder = 'first' | 'last' | 'second'

export type WriteForwardingStatus = 'disabled' | 'disabling' | 'enabled' | 'enabling' | 'unknown'

/** Action → the content of its result. */
export interface Answers {
  readonly AddTagsToResource: undefined
  readonly CopyDBClusterParameterGroup: CopyDBClusterParameterGroupResult
  readonly CopyDBClusterSnapshot: CopyDBClusterSnapshotResult
  readonly CopyDBParameterGroup: CopyDBParameterGroupResult
  readonly CopyDBSnapshot: CopyDBSnapshotResult
  readonly CreateBlueGreenDeployment: CreateBlueGreenDeploymentResponse
  readonly CreateDBCluster: CreateDBClusterResult
  readonly CreateDBClusterParameterGroup: CreateDBClusterParameterGroupResult
  readonly CreateDBClusterSnapshot: CreateDBClusterSnapshotResult
  readonly CreateDBInstance: CreateDBInstanceResult
  readonly CreateDBInstanceReadReplica: CreateDBInstanceReadReplicaResult
  readonly CreateDBParameterGroup: CreateDBParameterGroupResult
  readonly CreateDBSnapshot: CreateDBSnapshotResult
  readonly CreateDBSubnetGroup: CreateDBSubnetGroupResult
  readonly CreateGlobalCluster: CreateGlobalClusterResult
  readonly DeleteBlueGreenDeployment: DeleteBlueGreenDeploymentResponse
  readonly DeleteDBCluster: DeleteDBClusterResult
  readonly DeleteDBClusterParameterGroup: undefined
  readonly DeleteDBClusterSnapshot: DeleteDBClusterSnapshotResult
  readonly DeleteDBInstance: DeleteDBInstanceResult
  readonly DeleteDBInstanceAutomatedBackup: DeleteDBInstanceAutomatedBackupResult
  readonly DeleteDBParameterGroup: undefined
  readonly DeleteDBSnapshot: DeleteDBSnapshotResult
  readonly DeleteDBSubnetGroup: undefined
  readonly DeleteGlobalCluster: DeleteGlobalClusterResult
  readonly DescribeAccountAttributes: AccountAttributesMessage
  readonly DescribeBlueGreenDeployments: DescribeBlueGreenDeploymentsResponse
  readonly DescribeDBClusterParameterGroups: DBClusterParameterGroupsMessage
  readonly DescribeDBClusterParameters: DBClusterParameterGroupDetails
  readonly DescribeDBClusterSnapshotAttributes: DescribeDBClusterSnapshotAttributesResult
  readonly DescribeDBClusterSnapshots: DBClusterSnapshotMessage
  readonly DescribeDBClusters: DBClusterMessage
  readonly DescribeDBEngineVersions: DBEngineVersionMessage
  readonly DescribeDBInstanceAutomatedBackups: DBInstanceAutomatedBackupMessage
  readonly DescribeDBInstances: DBInstanceMessage
  readonly DescribeDBLogFiles: DescribeDBLogFilesResponse
  readonly DescribeDBParameterGroups: DBParameterGroupsMessage
  readonly DescribeDBParameters: DBParameterGroupDetails
  readonly DescribeDBSnapshotAttributes: DescribeDBSnapshotAttributesResult
  readonly DescribeDBSnapshots: DBSnapshotMessage
  readonly DescribeDBSubnetGroups: DBSubnetGroupMessage
  readonly DescribeEventCategories: EventCategoriesMessage
  readonly DescribeEvents: EventsMessage
  readonly DescribeGlobalClusters: GlobalClustersMessage
  readonly DescribeOrderableDBInstanceOptions: OrderableDBInstanceOptionsMessage
  readonly DownloadDBLogFilePortion: DownloadDBLogFilePortionDetails
  readonly FailoverDBCluster: FailoverDBClusterResult
  readonly FailoverGlobalCluster: FailoverGlobalClusterResult
  readonly ListTagsForResource: TagListMessage
  readonly ModifyDBCluster: ModifyDBClusterResult
  readonly ModifyDBClusterParameterGroup: DBClusterParameterGroupNameMessage
  readonly ModifyDBClusterSnapshotAttribute: ModifyDBClusterSnapshotAttributeResult
  readonly ModifyDBInstance: ModifyDBInstanceResult
  readonly ModifyDBParameterGroup: DBParameterGroupNameMessage
  readonly ModifyDBSnapshotAttribute: ModifyDBSnapshotAttributeResult
  readonly ModifyDBSubnetGroup: ModifyDBSubnetGroupResult
  readonly ModifyGlobalCluster: ModifyGlobalClusterResult
  readonly PromoteReadReplica: PromoteReadReplicaResult
  readonly RebootDBCluster: RebootDBClusterResult
  readonly RebootDBInstance: RebootDBInstanceResult
  readonly RemoveFromGlobalCluster: RemoveFromGlobalClusterResult
  readonly RemoveTagsFromResource: undefined
  readonly ResetDBClusterParameterGroup: DBClusterParameterGroupNameMessage
  readonly ResetDBParameterGroup: DBParameterGroupNameMessage
  readonly RestoreDBClusterFromSnapshot: RestoreDBClusterFromSnapshotResult
  readonly RestoreDBClusterToPointInTime: RestoreDBClusterToPointInTimeResult
  readonly RestoreDBInstanceFromDBSnapshot: RestoreDBInstanceFromDBSnapshotResult
  readonly RestoreDBInstanceToPointInTime: RestoreDBInstanceToPointInTimeResult
  readonly StartDBCluster: StartDBClusterResult
  readonly StartDBInstance: StartDBInstanceResult
  readonly StopDBCluster: StopDBClusterResult
  readonly StopDBInstance: StopDBInstanceResult
  readonly SwitchoverBlueGreenDeployment: SwitchoverBlueGreenDeploymentResponse
  readonly SwitchoverGlobalCluster: SwitchoverGlobalClusterResult
  readonly SwitchoverReadReplica: SwitchoverReadReplicaResult
}
