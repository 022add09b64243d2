/** What simulated RDS remembers. Everything here is JSON and survives a restart; a transition under way is a task in its
 *  instance's list, so that the next lab can carry on with it. */
import type { PostgresMajor } from '../../pgserver/binaries'
import type { Doom } from '../faults/call-faults'

export const ACCOUNT = '000000000000'

export type Tags = Record<string, string>

export type InstanceStatus =
  | 'creating'
  | 'backing-up'
  | 'available'
  | 'modifying'
  | 'resetting-master-credentials'
  | 'rebooting'
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
  /** Follows `create` and `restore`: from here on the data is the customer's, and the server is never made again. */
  | { kind: 'settle' }
  | { kind: 'modify' }
  | { kind: 'reboot' }
  /** Its server ended by itself. */
  | { kind: 'recover' }
  | { kind: 'back-up'; snapshot: string }
  | { kind: 'delete'; finalSnapshot: string | null }

export interface PendingChanges {
  instanceClass?: string
  storageGib?: number
  backupRetentionDays?: number
  multiAz?: boolean
  /** Of the new master password. */
  masterVerifier?: string
}

/** The properties that a snapshot keeps of its instance. */
export interface Shape {
  major: PostgresMajor
  engineVersion: string
  instanceClass: string
  storageGib: number
  storageType: string
  masterUsername: string
  databaseName: string | null
  backupRetentionDays: number
}

export interface DbInstance extends Shape {
  region: string
  id: string
  resourceId: string
  status: InstanceStatus
  /** Folder of its server; changes with each attempt to make it. */
  folder: string
  /** Last number of its address. */
  host: number
  createdAt: string | null
  multiAz: boolean
  publiclyAccessible: boolean
  deletionProtection: boolean
  copyTagsToSnapshot: boolean
  securityGroups: string[]
  parameterGroup: string
  /** What the server runs with, as opposed to what its group says now. */
  running: { group: string; parameters: Record<string, string> }
  parameterStatus: 'in-sync' | 'pending-reboot' | 'applying'
  /** Waits for the maintenance window, or for a task that applies it. */
  pending: PendingChanges
  /** Applied by the next `modify` task although nobody sees it as pending. */
  applyNow: boolean
  /** When it last became available. */
  availableAt?: string
  tags: Tags
  tasks: Task[]
}

export interface DbSnapshot extends Shape {
  region: string
  id: string
  /** Folder of its data. */
  folder: string
  status: 'creating' | 'available' | 'failed' | 'deleting'
  instanceId: string
  instanceResourceId: string
  instanceCreatedAt: string | null
  createdAt: string | null
  tags: Tags
}

export interface ParameterGroup {
  region: string
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
  parameterGroups: Record<string, ParameterGroup>
}

export function emptyAwsState(): AwsState {
  return { instances: {}, snapshots: {}, parameterGroups: {} }
}

export function key(region: string, id: string): string {
  return `${region}/${id.toLowerCase()}`
}

export function arn(region: string, kind: 'db' | 'snapshot' | 'pg', id: string): string {
  return `arn:aws:rds:${region}:${ACCOUNT}:${kind}:${id}`
}
