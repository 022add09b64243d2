/** RDS descriptions → the port's words. States: RDS user guide, "Viewing Amazon RDS DB instance status"; Aurora user guide, "DB cluster
 *  status". */
import type { DBInstance, DBSnapshot } from '@aws-sdk/client-rds'
import { ownerOf } from '../owner'
import type {
  InstanceAccess,
  InstanceDescription,
  NetworkExposure,
  ResourceState,
  SnapshotDescription,
  StorageDescription,
} from '../port'
import { tagRecord } from './tags'

/** Usable although something still goes on: `storage-optimization` lasts for hours after growth, `backing-up` comes every night. */
const READY = new Set(['available', 'backing-up', 'storage-optimization', 'storage-config-upgrade'])
const FAILED = new Set([
  'failed',
  'storage-full',
  'incompatible-restore',
  'incompatible-parameters',
  'incompatible-network',
  'incompatible-option-group',
  'incompatible-credentials',
  'inaccessible-encryption-credentials',
  'inaccessible-encryption-credentials-recoverable',
  'insufficient-capacity',
  'restore-error',
  'cloning-failed',
  'migration-failed',
])

export function resourceState(cloudState: string): ResourceState {
  if (READY.has(cloudState)) return 'ready'
  if (FAILED.has(cloudState)) return 'failed'
  // RDS starts it again by itself, after seven days.
  if (cloudState === 'stopped') return 'stopped'
  return cloudState === 'deleting' ? 'deleting' : 'changing'
}

export function instanceDescription(raw: DBInstance): InstanceDescription {
  const cloudState = raw.DBInstanceStatus ?? 'unknown'
  const { Address: host, Port: port } = raw.Endpoint ?? {}
  const endpoint = host !== undefined && port !== undefined ? { host, port } : null
  const state = resourceState(cloudState)
  // Right after a modification the status still says available; what is pending says more.
  const pending = endpoint === null || raw.PendingModifiedValues?.MasterUserPassword !== undefined
  return {
    cloud: 'aws',
    // arn:aws:rds:<region>:<account>:db:<name>
    account: raw.DBInstanceArn?.split(':')[4] ?? '',
    region: raw.DBInstanceArn?.split(':')[3] ?? '',
    name: raw.DBInstanceIdentifier ?? '',
    instanceId: raw.DbiResourceId ?? '',
    // An instance that says available but has no endpoint yet cannot be used.
    state: state === 'ready' && pending ? 'changing' : state,
    cloudState,
    endpoint,
    engineVersion: raw.EngineVersion ?? '',
    instanceClass: raw.DBInstanceClass ?? '',
    storage: storageDescription({ ...raw, Encrypted: raw.StorageEncrypted }),
    growsToGib: raw.MaxAllocatedStorage ?? null,
    snapshots: { hoursMax: null, outliveInstance: true },
    // Its backups are what the log is restored over.
    automaticBackups: { taken: raw.BackupRetentionPeriod !== 0, log: raw.BackupRetentionPeriod !== 0 },
    deletionProtected: raw.DeletionProtection ?? false,
    // A source in another region is named by its ARN.
    replicaOf: raw.ReadReplicaSourceDBInstanceIdentifier?.split(':').at(-1) || null,
    tags: tagRecord(raw.TagList),
  }
}

/** Of an instance, or of a cluster as its members say. Security groups are EC2's, which this adapter does not ask. */
export function exposureOf(raw: Pick<DBInstance, 'PubliclyAccessible' | 'VpcSecurityGroups'>): NetworkExposure {
  const { PubliclyAccessible = false, VpcSecurityGroups = [] } = raw
  const groups = VpcSecurityGroups.map(({ VpcSecurityGroupId }) => `security group ${VpcSecurityGroupId}`)
  // Whether rds.force_ssl is on is its parameter group's.
  const undecided = groups.length === 0 ? ['its security groups'] : groups
  return { publicAddress: PubliclyAccessible, wideRules: [], undecided: PubliclyAccessible ? undecided : [], clearText: null }
}

/** Source: RDS user guide, "Stopping an Amazon RDS DB instance temporarily", its limitations. */
export function accessOf(raw: DBInstance): InstanceAccess {
  const instance = instanceDescription(raw)
  const replicas = [...(raw.ReadReplicaDBInstanceIdentifiers ?? []), ...(raw.ReadReplicaDBClusterIdentifiers ?? [])]
  const unstoppable =
    instance.replicaOf !== null
      ? `RDS does not stop a read replica, as ${instance.name} is one of ${instance.replicaOf}.`
      : replicas.length > 0
        ? `RDS does not stop an instance that has read replicas, as ${instance.name} has: ${replicas.join(', ')}.`
        : null
  return { instance, rules: groupsOf(raw), ruleNames: {}, notGivenBack: [], beyondRules: [], unstoppable }
}

/** Sorted. */
export function groupsOf({ VpcSecurityGroups = [] }: Pick<DBInstance, 'VpcSecurityGroups'>): string[] {
  return VpcSecurityGroups.map(({ VpcSecurityGroupId = '' }) => VpcSecurityGroupId).sort()
}

interface RawStorage {
  readonly AllocatedStorage?: number | undefined
  readonly Encrypted?: boolean | undefined
  readonly KmsKeyId?: string | undefined
}

function storageDescription({ AllocatedStorage, Encrypted, KmsKeyId }: RawStorage): StorageDescription {
  return { sizeGib: AllocatedStorage ?? 0, encrypted: Encrypted ?? false, key: KmsKeyId ?? null }
}

export function snapshotDescription(raw: DBSnapshot): SnapshotDescription {
  const cloudState = raw.Status ?? 'unknown'
  return {
    name: raw.DBSnapshotIdentifier ?? '',
    account: raw.DBSnapshotArn?.split(':')[4] ?? '',
    instance: raw.DBInstanceIdentifier ?? '',
    instanceId: raw.DbiResourceId ?? '',
    state: resourceState(cloudState),
    cloudState,
    createdAt: raw.SnapshotCreateTime?.toISOString() ?? null,
    engineVersion: raw.EngineVersion ?? '',
    storage: storageDescription(raw),
    owner: ownerOf(tagRecord(raw.TagList)),
  }
}
