/** How an instance is set up, in words that every cloud shares: what a restore resets and a restored instance needs again. JSON, for the ledger: what was
 *  captured today is read by a later version. Null: this cloud has nothing of the kind, or says it elsewhere. */
import type { IsoInstant } from './operation'

/** Of whose kind it is: one captured of another is not applied. */
export type ConfigurationKind = 'rds' | 'aurora' | 'flexible-server' | 'cloud-sql'

export interface InstanceConfiguration {
  readonly version: 1
  readonly kind: ConfigurationKind
  /** What it was captured of. */
  readonly instance: string
  readonly instanceId: string
  readonly capturedAt: IsoInstant
  readonly parameters: ParameterConfiguration
  readonly capacity: CapacityConfiguration
  readonly availability: AvailabilityConfiguration
  readonly backups: BackupConfiguration
  readonly maintenance: MaintenanceConfiguration
  readonly monitoring: MonitoringConfiguration
  readonly access: AccessConfiguration
  readonly network: NetworkConfiguration
  /** Without those that say whose a resource is, and without the protection's. */
  readonly tags: Readonly<Record<string, string>>
  readonly protection: ProtectionConfiguration
  /** What it also has and this does not hold, each in words: another service's, or nothing that the cloud's API tells or takes. */
  readonly notCarried: readonly string[]
}

/** In the order in which they can be applied: access and network decide who gets in, and protection makes an instance stay. */
export const CONFIGURATION_PARTS = [
  'parameters',
  'capacity',
  'availability',
  'backups',
  'maintenance',
  'monitoring',
  'access',
  'network',
  'tags',
  'protection',
] as const
export type ConfigurationPart = (typeof CONFIGURATION_PARTS)[number]

export interface ParameterConfiguration {
  /** The name of the group that they are in, and of the cluster's; its values may be others' as well. */
  readonly group: string | null
  readonly clusterGroup: string | null
  /** Those that somebody set, under the cloud's own names. */
  readonly values: Readonly<Record<string, string>>
}

export interface CapacityConfiguration {
  readonly instanceClass: string
  /** Null where storage grows by itself and has no size. */
  readonly storageGib: number | null
  /** How far it is made larger when it fills up; 0: without a limit, null: it is not. */
  readonly growsToGib: number | null
  readonly storageType: string | null
  readonly iops: number | null
  readonly throughputMib: number | null
}

export interface AvailabilityConfiguration {
  /** A server that takes over, or whose data is there already: in another zone, or in the same one. */
  readonly standby: 'none' | 'same-zone' | 'other-zone'
  /** Where the cloud lets it be chosen. */
  readonly standbyZone: string | null
}

export interface BackupConfiguration {
  /** What the cloud takes by itself; days or a number of them, 0: none. */
  readonly keptDays: number | null
  readonly keptCount: number | null
  /** Of the log, for moments in between; 0: none. */
  readonly logDays: number | null
  /** In the cloud's own words, in UTC. */
  readonly window: string | null
  readonly location: string | null
  /** Whether snapshots bear the instance's tags. */
  readonly tagged: boolean | null
  /** Whether they stay when the instance is removed, where that is a setting of its own. What was captured before this was known lacks it. */
  readonly outliveInstance: boolean | null
}

export interface MaintenanceConfiguration {
  /** In the cloud's own words, in UTC; null: whenever the cloud likes. */
  readonly window: string | null
  readonly minorUpgrades: boolean | null
  /** When there is to be none, each as `from/to at`, in the cloud's own words. */
  readonly denied: readonly string[]
}

export interface MonitoringConfiguration {
  /** Of the operating system; 0: none. */
  readonly intervalSeconds: number | null
  /** Who writes down what was measured. */
  readonly role: string | null
  /** How long the cloud's insights into statements are kept; 0: it takes none. */
  readonly insightsDays: number | null
  /** The cloud's insights into statements, where they have settings instead; null: it takes none. */
  readonly insights: Readonly<Record<string, boolean | number>> | null
  /** Kinds of logs that are handed on, sorted. */
  readonly logs: readonly string[]
}

export interface AccessConfiguration {
  /** Whether the cloud's own identities may log in. */
  readonly identities: boolean | null
  readonly passwords: boolean | null
  /** Whose identities. */
  readonly tenant: string | null
  /** The authority that vouches for the server. */
  readonly certificate: string | null
}

export interface NetworkConfiguration {
  /** As `capabilities.networkRules` says, sorted. */
  readonly rules: readonly string[]
  readonly publicAddress: boolean
  /** What it asks of connections, in the cloud's own word. */
  readonly tls: string | null
}

export interface ProtectionConfiguration {
  readonly deletion: boolean | null
  /** The tag by which the policies of `infra/policies` keep their hands off, with its value. */
  readonly tag: string | null
}
