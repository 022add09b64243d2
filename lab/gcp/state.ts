/** What simulated Cloud SQL remembers. Everything here is JSON and survives a restart. What a call promised is an operation, which is
 *  asked for by its name, and a task in its resource's list, so that the next lab can carry on with it. */
import type { PostgresMajor } from '../../pgserver/binaries'
import type { Zones } from '../dns/zone'
import type { Doom } from '../faults/call-faults'
import type { Settings } from './settings'

/** The project that the lab's token may act in. */
export const PROJECT = 'capstan-lab'

export type InstanceState = 'PENDING_CREATE' | 'RUNNABLE' | 'FAILED' | 'MAINTENANCE' | 'PENDING_DELETE'

/** What is still to be done for an instance, in order. The first one is under way. */
export type Task = Job & {
  /** Its operation; null for what nobody asked for. */
  operation: string | null
  /** Set: it ends badly, as ordered. */
  doom?: Doom
  /** How often it was begun again because its server was away. */
  attempts?: number
}

type Job =
  | { kind: 'create'; verifier: string | null }
  /** Follows `create` and `restore`: from here on the data is the customer's, and is never made again. `replaced`: the folder whose
   *  data a restore took the place of. */
  | { kind: 'settle'; replaced?: string }
  | { kind: 'update'; settings: Settings; drReplica: string | null }
  | { kind: 'restart' }
  /** To the other zone of a highly available instance. */
  | { kind: 'failover' }
  /** Its server ended by itself. */
  | { kind: 'recover' }
  | { kind: 'back-up'; backup: string }
  /** `before`: the folder that is replaced. */
  | { kind: 'restore'; backup: string; before: string }
  /** `at`: a moment, or null for now; `snapshot`: the folder of the copy that it is then made from. */
  | { kind: 'clone'; source: string; at: string | null; snapshot: string }
  | { kind: 'create-replica' }
  | { kind: 'promote'; failover: boolean }
  /** `begun`: the servers change, and nothing else starts or stops them. */
  | { kind: 'switch-over'; from: string; timeoutMs: number; begun?: true }
  /** Follows a promotion that makes a writer. */
  | { kind: 'take-over' }
  /** What was a primary begins anew as a replica of what took over. */
  | { kind: 'rejoin' }
  /** Its replicas have become others. */
  | { kind: 'keep-replicas' }
  | { kind: 'delete'; finalBackup: string | null }
  /** Those that it has afterwards, and how often its own was made anew. */
  | { kind: 'change-ssl-certs'; certs: Record<string, SslCertRecord>; resets: number }
  | { kind: 'create-user'; user: string; verifier: string | null; roles: string[] | null }
  | { kind: 'update-user'; user: string; verifier: string | null; roles: string[] | null; revoke: boolean }
  | { kind: 'delete-user'; user: string }
  | { kind: 'create-database'; database: string }
  | { kind: 'update-database' }
  | { kind: 'delete-database'; database: string }

export interface SqlInstance {
  name: string
  state: InstanceState
  major: PostgresMajor
  engineVersion: string
  region: string
  zone: string
  /** Of what would take over in a highly available one. */
  secondaryZone: string
  /** Folder of its server; changes with each attempt to make it. */
  folder: string
  /** Last number of its address. */
  host: number
  /** When it was asked for, and when its server was there. */
  createdAt: string
  madeAt: string | null
  settings: Settings
  settingsVersion: number
  /** Whom it follows, for a replica. */
  master: string | null
  /** The replica that is to take over from it. */
  drReplica: string | null
  /** Set: another one took over, and its data must not be served any more. */
  replaced?: boolean
  /** Client certificates by their fingerprints; none when absent. */
  sslCerts?: Record<string, SslCertRecord>
  /** How often its server's own certificate was made anew. */
  sslResets?: number
  /** Since when it has been backed up at the time of day that its settings name; since it was made when absent. */
  backupsSince?: string
  /** When it last became able to take changes. */
  availableAt?: string
  tasks: Task[]
}

/** Of a client certificate; its key is known to its owner alone. */
export interface SslCertRecord {
  commonName: string
  /** PEM. */
  certificate: string
  /** PEM of the authority that it alone has: what the server knows it by. */
  authority: string
  sha1Fingerprint: string
  serialNumber: string
  createdAt: string
  expiresAt: string
}

export interface OperationError {
  code: string
  message: string
}

export interface OperationRecord {
  name: string
  type: string
  status: 'PENDING' | 'RUNNING' | 'DONE'
  /** The instance that it is about. */
  instance: string
  /** Instances that can take nothing else until it is done. */
  locks: string[]
  /** Nobody asked for it. */
  bySystem?: true
  insertedAt: string
  startedAt: string | null
  endedAt: string | null
  errors: OperationError[]
  /** The backup that it makes, restores or deletes. */
  backup: { runId: string; uid: string } | null
}

export type BackupState = 'ENQUEUED' | 'RUNNING' | 'SUCCESSFUL' | 'FAILED' | 'DELETING'

/** One backup, seen as a run of its instance and as a backup of the project. */
export interface BackupRecord {
  /** Last part of its name. */
  uid: string
  /** As a run. */
  runId: string
  instance: string
  /** When the instance was asked for: a later one of the same name does not have it. */
  instanceCreatedAt: string
  type: 'AUTOMATED' | 'ON_DEMAND' | 'FINAL'
  state: BackupState
  /** Folder of its data. */
  folder: string
  description: string
  location: string
  major: PostgresMajor
  engineVersion: string
  enqueuedAt: string
  startedAt: string | null
  endedAt: string | null
  /** The archive that it can be rolled forward from, and the moment from which on. */
  archive: string | null
  recoverableFrom: string | null
  expiresAt: string | null
  /** Its instance's, as they were. */
  settings: Settings
  region: string
  error: OperationError | null
  instanceDeletedAt: string | null
  tasks: BackupTask[]
}

export interface BackupTask {
  kind: 'remove'
  /** Null: nobody asked for it. */
  operation: string | null
  /** What it was; and is again when this fails. */
  before: BackupState
  doom?: Doom
}

/** Instances and operations by name, backups by uid. */
export interface GcpState {
  instances: Record<string, SqlInstance>
  operations: Record<string, OperationRecord>
  backups: Record<string, BackupRecord>
  /** Of Cloud DNS, by their names. */
  managedZones: Zones
}

export function emptyGcpState(): GcpState {
  return { instances: {}, operations: {}, backups: {}, managedZones: {} }
}
