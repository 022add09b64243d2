/** What simulated RDS remembers. Everything here is JSON and survives a restart; a transition under way is a task in its
 *  instance's list, so that the next lab can carry on with it. */
import type { PostgresMajor } from '../../pgserver/binaries'
import type { Zones } from '../dns/zone'
import type { Doom } from '../faults/call-faults'
import type { Deployment } from './blue-green/state'
import type { GlobalCluster } from './global-clusters'
import type { InstanceSettings } from './settings'
import type { Storage } from './storage'

export const ACCOUNT = '000000000000'

export type Tags = Record<string, string>

export type InstanceStatus =
  | 'creating'
  | 'backing-up'
  | 'available'
  | 'modifying'
  | 'resetting-master-credentials'
  | 'rebooting'
  | 'renaming'
  | 'stopping'
  | 'stopped'
  | 'starting'
  | 'storage-full'
  | 'deleting'
  | 'failed'
  | 'incompatible-restore'
  | 'incompatible-parameters'

/** What is still to be done for an instance, in order. The first one is under way. */
export type Task = Job & {
  /** Set: it ends badly, as ordered. */
  doom?: Doom
}

type Job =
  | { kind: 'create'; verifier: string }
  | { kind: 'restore'; snapshot: string }
  /** As a replica of the instance that its record names. */
  | { kind: 'replicate' }
  /** As a member of its cluster: on the cluster's volume when it is the first, else as a reader. */
  | { kind: 'join' }
  | { kind: 'promote'; retentionDays: number }
  /** `backup`, `archive`: folders; `target`: a time, or 'latest'. `source`: what it is restored from, for people. */
  | { kind: 'restore-to-time'; backup: string; archive: string; target: string; source: string }
  /** Follows those that make a server: from here on the data is the customer's, and the server is never made again. `snapshot`: the first
   *  automated backup, when it keeps any. */
  | { kind: 'settle'; snapshot: string | null }
  | { kind: 'modify' }
  | { kind: 'reboot'; failover?: true }
  /** Its server ended by itself. */
  | { kind: 'recover' }
  | { kind: 'back-up'; snapshot: string }
  | { kind: 'stop'; snapshot: string | null }
  | { kind: 'start' }
  | { kind: 'delete'; finalSnapshot: string | null; keepBackups: boolean }

/** Where an instance stands (zones.ts). */
export interface Placement {
  subnetGroup: string
  zone: string
  /** Of the standby, when there is one. */
  secondaryZone: string | null
}

export type SourceType =
  | 'db-instance'
  | 'db-snapshot'
  | 'db-parameter-group'
  | 'db-cluster'
  | 'db-cluster-snapshot'
  | 'blue-green-deployment'

/** Something that happened (events.ts). */
export interface EventRecord {
  /** Counts all events that this lab ever had. */
  seq: number
  at: string
  region: string
  sourceType: SourceType
  sourceId: string
  message: string
  categories: string[]
}

/** What is to be done for a snapshot. */
export interface SnapshotTask {
  kind: 'copy'
  doom?: Doom
}

export interface PendingChanges extends Partial<Storage> {
  /** Another identifier for it. */
  id?: string
  instanceClass?: string
  backupRetentionDays?: number
  multiAz?: boolean
  iamAuthentication?: boolean
  /** Of the new master password. */
  masterVerifier?: string
}

export type Engine = 'postgres' | 'aurora-postgresql'

/** The properties that a snapshot keeps of its instance. */
export interface Shape extends Storage {
  engine: Engine
  major: PostgresMajor
  engineVersion: string
  instanceClass: string
  masterUsername: string
  databaseName: string | null
  backupRetentionDays: number
}

export interface DbInstance extends Shape, Placement {
  region: string
  id: string
  resourceId: string
  status: InstanceStatus
  /** Folder of its server; changes with each attempt to make it. */
  folder: string
  /** Last number of its address. */
  host: number
  /** Last number of the address that its server itself has, when the lab stands in front of it (iam.ts). */
  innerHost?: number
  /** Absent in what older labs kept; a member's is its cluster's. */
  iamAuthentication?: boolean
  createdAt: string | null
  multiAz: boolean
  publiclyAccessible: boolean
  deletionProtection: boolean
  copyTagsToSnapshot: boolean
  settings: InstanceSettings
  securityGroups: string[]
  parameterGroup: string
  /** What the server runs with, as opposed to what its group says now. */
  running: RunningParameters
  parameterStatus: 'in-sync' | 'pending-reboot' | 'applying'
  /** Waits for the maintenance window, or for a task that applies it. */
  pending: PendingChanges
  /** Applied by the next `modify` task although nobody sees it as pending. */
  applyNow: boolean
  /** The resource id of the cluster that it is a member of. */
  cluster: string | null
  /** Of a member: who is the next to write, lowest first. */
  promotionTier: number
  /** The resource id of the instance that it is a read replica of. */
  replicaOf: string | null
  /** Of a replica: whether it streamed from its source when somebody last looked. */
  follows?: boolean
  /** It is amid the switchover of a blue/green deployment, which alone starts and stops its server: customers are not let in. */
  switching?: true
  /** Where its log goes, for as long as it keeps backups. */
  archive: string | null
  /** Known when there is a backup and the log after it. */
  restorable: RestoreWindow | null
  /** When the next automated backup is due. */
  nextBackupAt?: string
  /** When it last became available. */
  availableAt?: string
  /** `storage-optimization` is shown until then. */
  optimizesUntil?: string
  /** Of a stopped one: when it is started again without being asked. */
  restartsAt?: string
  tags: Tags
  tasks: Task[]
}

/** What two groups said when the server last read them. `cluster`: of a member, its cluster's. */
export interface RunningParameters {
  group: string
  parameters: Record<string, string>
  cluster?: { group: string; parameters: Record<string, string> }
}

/** The first and the last moment that can be restored to. */
export interface RestoreWindow {
  earliest: string
  latest: string
}

/** An instance that is gone, as far as its backups still need it. */
export interface RetainedBackup extends Omit<DbInstance, 'tasks' | 'pending' | 'archive' | 'restorable'> {
  archive: string
  restorable: RestoreWindow
  expiresAt: string
}

export interface DbSnapshot extends Shape {
  region: string
  id: string
  /** Of a cluster: `instanceId` and `instanceResourceId` are the cluster's, and `key` has 'cluster:' before its id. */
  ofCluster: boolean
  /** RDS takes automated ones by itself, and deletes them by itself. */
  type: 'manual' | 'automated'
  /** Folder of its data, which a copy shares: nobody changes it. */
  folder: string
  /** `copying`: of a cluster, by CopyDBClusterSnapshot; a copy of an instance's is `creating`. */
  status: 'creating' | 'copying' | 'available' | 'failed' | 'deleting'
  encrypted: boolean
  kmsKeyId: string | null
  iamAuthentication?: boolean
  zone: string
  instanceId: string
  instanceResourceId: string
  instanceCreatedAt: string | null
  createdAt: string | null
  /** When it was complete: log after this moment can be recovered on top of it. */
  endedAt: string | null
  /** Of an automated one: the archive that the log after it is in. */
  archive: string | null
  /** Of the one that it was first copied from; its own when it is no copy. */
  originalCreatedAt: string | null
  /** The ARN of the snapshot that it is a copy of. */
  source: string | null
  /** Accounts that may restore it; 'all' for everybody. */
  sharedWith: string[]
  tags: Tags
  tasks: SnapshotTask[]
}

/** Aurora's capacity units, when members may be of the class db.serverless. */
export interface Scaling {
  min: number
  max: number
  pauseSeconds: number | null
}

export type ClusterStatus =
  | 'creating'
  | 'available'
  | 'failing-over'
  | 'promoting'
  | 'modifying'
  | 'resetting-master-credentials'
  | 'stopping'
  | 'stopped'
  | 'starting'
  | 'deleting'
  | 'failed'

export type ClusterTask = ClusterJob & { doom?: Doom }

type ClusterJob =
  | { kind: 'create'; verifier: string }
  /** As a secondary one of a global database: it has no data but what its members have. */
  | { kind: 'join-global' }
  /** It goes on alone. `head`: the resource id of the member that was told to write. */
  | { kind: 'leave-global'; head?: string }
  /** It begins to lead: its backups begin anew. */
  | { kind: 'first-backup' }
  /** `folder`: of the snapshot's data. */
  | { kind: 'restore'; folder: string; from: string }
  | { kind: 'restore-to-time'; backup: string; archive: string; target: string; source: string }
  | { kind: 'modify' }
  | { kind: 'fail-over'; to: string }
  | { kind: 'back-up'; snapshot: string }
  | { kind: 'stop' }
  | { kind: 'start' }
  | { kind: 'delete'; finalSnapshot: string | null }

/** An Aurora cluster. Its volume is the data of its writer; readers are replicas of that, as near to shared storage as it gets here. A
 *  secondary one of a global database has neither: all of its members are readers of the primary's writer. */
export interface DbCluster {
  region: string
  id: string
  resourceId: string
  status: ClusterStatus
  major: PostgresMajor
  engineVersion: string
  masterUsername: string
  databaseName: string | null
  backupRetentionDays: number
  settings: InstanceSettings
  scaling: Scaling | null
  securityGroups: string[]
  subnetGroup: string
  /** The default one of its family when left out. */
  parameterGroup?: string
  deletionProtection: boolean
  copyTagsToSnapshot: boolean
  /** Absent in what older labs kept. */
  iamAuthentication?: boolean
  /** Last numbers of the addresses of its two endpoints. */
  writerHost: number
  readerHost: number
  /** The folder of its data while no member has it. */
  volume: string | null
  /** The resource id of the member that writes. */
  writer: string | null
  /** Of the one that is just taking over from it. Written down before anything is done, and for as long as something is left to do. */
  handingTo?: string
  archive: string | null
  restorable: RestoreWindow | null
  createdAt: string | null
  /** Of a stopped one: when it is started again without being asked. */
  restartsAt?: string
  pending: { masterVerifier?: string; id?: string; iamAuthentication?: boolean }
  tags: Tags
  tasks: ClusterTask[]
}

export interface SubnetGroup {
  region: string
  name: string
  description: string
  subnets: string[]
  tags: Tags
}

export interface ParameterGroup {
  region: string
  /** Of clusters, not of instances. The two kinds have names of their own. */
  ofCluster?: true
  name: string
  family: string
  description: string
  tags: Tags
  parameters: Record<string, { value: string; method: 'immediate' | 'pending-reboot' }>
}

/** Keyed by `key(region, id)`. */
export interface AwsState {
  instances: Record<string, DbInstance>
  snapshots: Record<string, DbSnapshot>
  clusters: Record<string, DbCluster>
  /** Of all regions, by identifier. */
  globalClusters: Record<string, GlobalCluster>
  deployments: Record<string, Deployment>
  parameterGroups: Record<string, ParameterGroup>
  clusterParameterGroups: Record<string, ParameterGroup>
  subnetGroups: Record<string, SubnetGroup>
  /** Keyed by `key(region, resourceId)`. */
  retained: Record<string, RetainedBackup>
  /** Folders that go as soon as no restore under way needs them. */
  doomed: { archives: string[]; snapshots: string[] }
  /** Oldest first. */
  events: EventRecord[]
  eventsNoted: number
  /** The address that an identifier had until another instance was renamed away from it. */
  namedHosts: Record<string, number>
  /** Of Route 53, by their ids. */
  hostedZones: Zones
}

export function emptyAwsState(): AwsState {
  return {
    instances: {},
    snapshots: {},
    clusters: {},
    globalClusters: {},
    deployments: {},
    parameterGroups: {},
    clusterParameterGroups: {},
    subnetGroups: {},
    retained: {},
    doomed: { archives: [], snapshots: [] },
    events: [],
    eventsNoted: 0,
    namedHosts: {},
    hostedZones: {},
  }
}

export function key(region: string, id: string): string {
  return `${region}/${id.toLowerCase()}`
}

export type ArnKind =
  | 'db'
  | 'auto-backup'
  | 'snapshot'
  | 'pg'
  | 'subgrp'
  | 'cluster'
  | 'cluster-snapshot'
  | 'cluster-pg'
  | 'global-cluster'
  | 'deployment'

/** A global cluster has no region: ''. */
export function arn(region: string, kind: ArnKind, id: string): string {
  return `arn:aws:rds:${region}:${ACCOUNT}:${kind}:${id}`
}
