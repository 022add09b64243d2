/** What simulated Azure remembers. Everything here is JSON and survives a restart; what was promised is a task in its server's list
 *  and an operation that can be asked about, so that the next lab can carry on with it. */
import type { PostgresMajor } from '../../pgserver/binaries'
import type { Zones } from '../dns/zone'
import type { Doom } from '../faults/call-faults'
import type { AzureErrorCode } from './errors'
import type { Location } from './locations'

/** The only one of a lab, and whose it is. */
export const SUBSCRIPTION = '00000000-0000-0000-0000-000000000000'
export const TENANT = '00000000-0000-0000-0000-000000000001'

export type Tags = Record<string, string>

/** `properties.state`. */
export type ServerState =
  | 'Provisioning'
  | 'Ready'
  | 'Updating'
  | 'Restarting'
  | 'Starting'
  | 'Stopping'
  | 'Stopped'
  | 'Dropping'
  | 'Inaccessible'

export type Tier = 'Burstable' | 'GeneralPurpose' | 'MemoryOptimized'

export interface Sku {
  name: string
  tier: Tier
}

export interface Storage {
  sizeGb: number
  autoGrow: 'Enabled' | 'Disabled'
  type: 'Premium_LRS' | 'PremiumV2_LRS' | 'UltraSSD_LRS'
  tier: string | null
  iops: number
  throughput: number | null
}

export interface MaintenanceWindow {
  customWindow: 'Enabled' | 'Disabled'
  dayOfWeek: number
  startHour: number
  startMinute: number
}

export interface HighAvailability {
  mode: 'Disabled' | 'SameZone' | 'ZoneRedundant'
  standbyZone: string | null
}

export interface AuthConfig {
  entra: 'Enabled' | 'Disabled'
  password: 'Enabled' | 'Disabled'
  tenantId: string | null
}

export interface Network {
  publicAccess: 'Enabled' | 'Disabled'
  subnetId: string | null
  dnsZoneId: string | null
}

export interface FirewallRule {
  name: string
  start: string
  end: string
}

export interface ServerBackup {
  name: string
  /** Folder of its data. */
  folder: string
  kind: 'Full' | 'Customer On-Demand'
  /** Null until it is complete. */
  completedAt: string | null
}

export interface Administrator {
  objectId: string
  principalName: string
  principalType: 'User' | 'Group' | 'ServicePrincipal' | 'Unknown'
  tenantId: string
}

/** Two addresses that stay when roles change: one of whoever writes, one to read from. */
export interface VirtualEndpoint {
  name: string
  /** The key of the server that writes. */
  owner: string
  /** The key of the server to read from; null: the one that writes. */
  reader: string | null
  /** Last numbers of their addresses. */
  writerHost: number
  readerHost: number
}

/** Names to what the customer set; what is not in it has the server's default. */
export type Configurations = Record<string, string>

/** What is wanted of a server, beside what it is. */
export interface ServerShape {
  sku: Sku
  storage: Storage
  backup: { retentionDays: number; geoRedundant: 'Enabled' | 'Disabled' }
  highAvailability: HighAvailability
  maintenanceWindow: MaintenanceWindow
  authConfig: AuthConfig
  network: Network
  tags: Tags
}

export interface AzureServer extends ServerShape {
  subscription: string
  resourceGroup: string
  name: string
  location: Location
  zone: string
  major: PostgresMajor
  /** As '15.18'. */
  engineVersion: string
  login: string
  state: ServerState
  /** Folder of its server; changes with each attempt to make it. */
  folder: string
  /** Names the archive of its log. */
  archive: string
  /** Last number of its address. */
  host: number
  /** The key of the server that it follows; null when it follows nobody. */
  replicaOf: string | null
  /** Set while it is stopped and cannot follow its primary as it is: it is made anew when it is started. */
  outdated?: boolean
  /** Null until it was made. */
  createdAt: string | null
  /** When it was stopped, while it is. */
  stoppedAt?: string
  /** When it last became ready. */
  readyAt: string | null
  /** Until when it refuses changes although it is ready. */
  busyUntil: string | null
  firewallRules: Record<string, FirewallRule>
  /** What the API was told of the databases that it made; which there are, PostgreSQL knows. */
  databases: Record<string, { charset: string; collation: string }>
  configurations: Configurations
  /** What the server runs with, as opposed to what is wanted now: some take effect at its next start only. */
  running: Configurations
  backups: Record<string, ServerBackup>
  administrators: Record<string, Administrator>
  tasks: Task[]
}

/** What is still to be done for a server, in order. The first one is under way. */
export type Task = Job & {
  /** Of the promise that it keeps; null when the lab itself wanted it. */
  operation: string | null
  /** Set: it ends badly, as ordered. */
  doom?: Doom
}

export type Job =
  | { kind: 'create'; verifier: string }
  /** `source`: a server's name. `pointInTime` null: the latest there is. */
  | { kind: 'restore'; source: string; pointInTime: string | null }
  /** `source`: the key of the server to follow. */
  | { kind: 'replicate'; source: string }
  /** `planned`: not before it has everything. */
  | { kind: 'promote'; planned: boolean }
  /** It and its primary, a key, swap their roles. `seized`: the primary was ended for good. `takenBack`: it failed, and the primary is to
   *  write again. */
  | { kind: 'switch-over'; primary: string; planned: boolean; seized?: boolean; takenBack?: boolean }
  | { kind: 'update'; change: Partial<ServerShape>; verifier: string | null }
  | { kind: 'start' }
  | { kind: 'stop' }
  | { kind: 'restart' }
  /** `from`: the state that a failure returns to. */
  | { kind: 'delete'; from: ServerState }
  /** Its server ended by itself. */
  | { kind: 'recover' }
  | { kind: 'set-firewall-rule'; rule: FirewallRule }
  | { kind: 'delete-firewall-rule'; name: string }
  | { kind: 'create-database'; name: string; charset: string; collation: string }
  | { kind: 'delete-database'; name: string }
  /** `value` null: the default. */
  | { kind: 'configure'; name: string; value: string | null }
  /** By the key of a record that is not complete yet. */
  | { kind: 'back-up'; backup: string }
  | { kind: 'delete-backup'; backup: string }
  | { kind: 'set-administrator'; administrator: Administrator }
  | { kind: 'delete-administrator'; objectId: string }
  | { kind: 'set-endpoint'; endpoint: VirtualEndpoint }
  | { kind: 'delete-endpoint'; name: string }

/** What was promised, as its caller can ask about it. */
export interface AsyncOperation {
  id: string
  /** In the provider's own naming, as `DropServerManagementOperation`. */
  kind: string
  subscription: string
  location: Location
  /** What was asked of; its path answers for a promise that was kept. */
  resource: string
  startedAt: string
  endedAt: string | null
  status: 'InProgress' | 'Succeeded' | 'Failed'
  error: { code: AzureErrorCode; message: string } | null
}

/** Servers by `serverKey`; what is below a server by its name in lower case, databases as they are written. */
export interface AzureState {
  servers: Record<string, AzureServer>
  operations: Record<string, AsyncOperation>
  /** By their names in lower case. */
  endpoints: Record<string, VirtualEndpoint>
  /** Names that were just given up, and until when nobody gets them. */
  dropping: Record<string, string>
  /** Of Azure DNS, by `resource group/domain` in lower case. */
  dnsZones: Zones
}

export function emptyAzureState(): AzureState {
  return { servers: {}, operations: {}, endpoints: {}, dropping: {}, dnsZones: {} }
}

/** Names are global, so that they alone tell servers apart. */
export function serverKey(name: string): string {
  return name.toLowerCase()
}

/** What a record has under a name that a caller chose: `constructor` and its like are in none of them. */
export function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
