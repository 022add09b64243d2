/** Aurora's descriptions → the port's words. A cluster is usable when both it and its writer are; what its readers do is theirs. */
import type { DBCluster, DBClusterSnapshot, DBInstance } from '@aws-sdk/client-rds'
import { ownerOf } from '../../owner'
import type { InstanceAccess, InstanceDescription, SnapshotDescription, StorageDescription } from '../../port'
import { groupsOf, resourceState } from '../describe'
import { tagRecord } from '../tags'
import { classOf } from './capacity'

export const AURORA = 'aurora-postgresql'

export interface Cluster {
  readonly raw: DBCluster
  readonly name: string
  readonly members: readonly DBInstance[]
  /** Null while it has none, and of a cluster that follows another: then nobody can write. */
  readonly writer: DBInstance | null
}

/** With its own among the instances. */
export function clusterWith(raw: DBCluster, instances: readonly DBInstance[]): Cluster {
  const members = instances.filter(({ DBClusterIdentifier }) => DBClusterIdentifier === raw.DBClusterIdentifier)
  return { raw, name: raw.DBClusterIdentifier ?? '', members, writer: writerAmong(raw, members) }
}

function writerAmong(raw: DBCluster, members: readonly DBInstance[]): DBInstance | null {
  const flagged = flaggedIn(raw)
  if (sourceOf(raw) !== null) return null
  if (flagged !== undefined) return members.find(({ DBInstanceIdentifier }) => DBInstanceIdentifier === flagged) ?? null
  // the first member is the writer to be, before the cluster says so; in a global database it may as well be a reader
  return members.length === 1 && !raw.GlobalClusterIdentifier ? (members[0] ?? null) : null
}

function flaggedIn(raw: DBCluster): string | undefined {
  return raw.DBClusterMembers?.find(({ IsClusterWriter }) => IsClusterWriter)?.DBInstanceIdentifier
}

/** Of an instance, or a cluster in another region, named by its ARN: that of a global database that leads it. */
function sourceOf(raw: DBCluster): string | null {
  return raw.ReplicationSourceIdentifier?.split(':').at(-1) || null
}

/** Source: Aurora user guide, "Stopping and starting an Amazon Aurora DB cluster", its limitations. */
export function accessOf(cluster: Cluster): InstanceAccess {
  const { raw, name } = cluster
  const followers = raw.ReadReplicaIdentifiers ?? []
  const why = raw.GlobalClusterIdentifier
    ? `it belongs to the global database ${raw.GlobalClusterIdentifier}`
    : followers.length > 0
      ? `it has replicas in other regions: ${followers.join(', ')}`
      : null
  return {
    instance: clusterDescription(cluster),
    rules: groupsOf({ VpcSecurityGroups: raw.VpcSecurityGroups }),
    ruleNames: {},
    notGivenBack: [],
    beyondRules: [],
    unstoppable: why === null ? null : `Aurora does not stop cluster ${name}: ${why}.`,
  }
}

export function clusterDescription(cluster: Cluster): InstanceDescription {
  const { raw, name, members, writer } = cluster
  const replicaOf = sourceOf(raw)
  // nobody answers at the writer's endpoint of one that follows
  const { Port: port } = raw
  const host = replicaOf === null ? raw.Endpoint : raw.ReaderEndpoint
  return {
    cloud: 'aws',
    // arn:aws:rds:<region>:<account>:cluster:<name>
    account: raw.DBClusterArn?.split(':')[4] ?? '',
    region: raw.DBClusterArn?.split(':')[3] ?? '',
    name,
    instanceId: raw.DbClusterResourceId ?? '',
    ...stateOf(cluster),
    endpoint: host !== undefined && port !== undefined ? { host, port } : null,
    engineVersion: raw.EngineVersion ?? '',
    instanceClass: classOf(raw, writer ?? (replicaOf === null ? {} : (members[0] ?? {}))),
    storage: storageOf({ ...raw, Encrypted: raw.StorageEncrypted }),
    growsToGib: null,
    snapshots: { hoursMax: null, outliveInstance: true },
    // Aurora keeps both for as long as its cluster lives, and they cannot be switched off
    automaticBackups: { taken: true, log: true },
    deletionProtected: raw.DeletionProtection ?? false,
    replicaOf,
    tags: tagRecord(raw.TagList),
  }
}

function stateOf(cluster: Cluster): Pick<InstanceDescription, 'state' | 'cloudState'> {
  const { raw, writer } = cluster
  const own = raw.Status ?? 'unknown'
  const state = resourceState(own)
  if (state !== 'ready') return { state, cloudState: own }
  if (sourceOf(raw) !== null) return stateOfSecondary(cluster, own)
  if (writer === null) return stateWithoutWriter(cluster, own)
  const writers = writer.DBInstanceStatus ?? 'unknown'
  if (resourceState(writers) !== 'ready') return { state: resourceState(writers), cloudState: `${own}, its writer ${writers}` }
  // right after a modification the status still says available
  const pending = raw.PendingModifiedValues?.MasterUserPassword !== undefined
  return { state: pending ? 'changing' : 'ready', cloudState: own }
}

/** One that follows another is usable, for reading, with any member that is. */
function stateOfSecondary({ members }: Cluster, own: string): Pick<InstanceDescription, 'state' | 'cloudState'> {
  const states = members.map(({ DBInstanceStatus = 'unknown' }) => resourceState(DBInstanceStatus))
  if (states.includes('ready')) return { state: 'ready', cloudState: `${own}, a secondary` }
  const cloudState = `${own}, a secondary without a reader that is available`
  // somebody has to add one, or to mend one: nothing that could be waited for
  return { state: states.includes('changing') ? 'changing' : 'failed', cloudState }
}

/** Half made while it has no members yet, or while one of them is on its way; a cluster whose members are at rest gets no writer by waiting. */
function stateWithoutWriter({ raw, members }: Cluster, own: string): Pick<InstanceDescription, 'state' | 'cloudState'> {
  const cloudState = `${own}, without a writer`
  // the flagged one was not among the instances that were listed a moment later or before
  if (members.length === 0 || flaggedIn(raw) !== undefined) return { state: 'changing', cloudState }
  const moving = members.some(({ DBInstanceStatus = 'unknown' }) => resourceState(DBInstanceStatus) === 'changing')
  return { state: moving ? 'changing' : 'failed', cloudState: `${cloudState} among its ${members.length} members` }
}

interface RawStorage {
  readonly Encrypted?: boolean | undefined
  readonly KmsKeyId?: string | undefined
}

/** What Aurora calls allocated is 1 GiB whatever there is. */
function storageOf({ Encrypted, KmsKeyId }: RawStorage): StorageDescription {
  return { sizeGib: null, encrypted: Encrypted ?? false, key: KmsKeyId ?? null }
}

export function clusterSnapshotDescription(raw: DBClusterSnapshot): SnapshotDescription {
  const cloudState = raw.Status ?? 'unknown'
  return {
    name: raw.DBClusterSnapshotIdentifier ?? '',
    account: raw.DBClusterSnapshotArn?.split(':')[4] ?? '',
    instance: raw.DBClusterIdentifier ?? '',
    instanceId: raw.DbClusterResourceId ?? '',
    state: resourceState(cloudState),
    cloudState,
    createdAt: raw.SnapshotCreateTime?.toISOString() ?? null,
    engineVersion: raw.EngineVersion ?? '',
    storage: storageOf({ ...raw, Encrypted: raw.StorageEncrypted }),
    owner: ownerOf(tagRecord(raw.TagList)),
  }
}
