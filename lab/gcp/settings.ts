/** The settings of an instance: what a request may say, what is filled in, and what is refused. Kept in the API's own words; what the
 *  lab does not interpret is kept and shown, and `docs/lab-differences.md` says so. Source: reference of `Settings`. */

import type { Catalogue } from '../postgres/catalogue'
import { invalid } from './errors'
import { checkFlags, type Flag } from './flags'
import { messageOf } from './merge'
import { checkLabels } from './names'
import { type AclEntry, checkNetworks } from './networks'
import type { Json, Message } from './protocol/json'
import { checkTier, defaultEdition, type Edition } from './tiers'

/** The fields that mean something here, or have a default. */
export type Settings = {
  tier: string
  edition: Edition
  availabilityType: 'ZONAL' | 'REGIONAL'
  replicationType: 'SYNCHRONOUS' | 'ASYNCHRONOUS'
  activationPolicy: 'ALWAYS' | 'NEVER'
  pricingPlan: string
  connectorEnforcement: string
  dataDiskType: string
  dataDiskSizeGb: string
  /** Of a replica. */
  databaseReplicationEnabled?: boolean
  storageAutoResize: boolean
  storageAutoResizeLimit: string
  userLabels: Record<string, string>
  databaseFlags: Flag[]
  ipConfiguration: IpConfiguration
  backupConfiguration: BackupConfiguration
  locationPreference?: { zone?: string; secondaryZone?: string; kind?: string }
  deletionProtectionEnabled: boolean
  retainBackupsOnDelete?: boolean
  finalBackupConfig?: { enabled?: boolean; retentionDays?: number }
}

export type IpConfiguration = {
  ipv4Enabled: boolean
  authorizedNetworks: AclEntry[]
  sslMode?: string
  requireSsl?: boolean
  serverCaMode?: string
}

export type BackupConfiguration = {
  enabled: boolean
  startTime: string
  pointInTimeRecoveryEnabled: boolean
  transactionLogRetentionDays: number
  backupRetentionSettings: { retentionUnit: 'COUNT'; retainedBackups: number }
  location?: string
}

/** What a request says of settings, without what is not for it to say. Of the older `requireSsl` and `sslMode` one says the other. Source: reference
 *  of `IpConfiguration`. */
export function settingsGiven(given: Json | undefined): Message {
  const { settingsVersion: _, kind: __, ...settings } = messageOf(given)
  const ip = messageOf(settings.ipConfiguration)
  const mode = ip.sslMode === 'SSL_MODE_UNSPECIFIED' ? undefined : (ip.sslMode ?? undefined)
  const required = ip.requireSsl ?? undefined
  if (mode === undefined && required === undefined) return settings
  const both = {
    sslMode: mode ?? (required === true ? 'TRUSTED_CLIENT_CERTIFICATE_REQUIRED' : 'ALLOW_UNENCRYPTED_AND_ENCRYPTED'),
    requireSsl: required ?? mode === 'TRUSTED_CLIENT_CERTIFICATE_REQUIRED',
  }
  return { ...settings, ipConfiguration: { ...ip, ...both } }
}

const DISK_MIN_GB = 10n
const DISK_MAX_GB = 65_536n

/** What is missing has Cloud SQL's default. */
export function withDefaults(given: Message, major: number): Settings {
  const edition = (given.edition as Edition | undefined) ?? defaultEdition(major)
  const backup = messageOf(given.backupConfiguration)
  return {
    availabilityType: 'ZONAL',
    pricingPlan: 'PER_USE',
    replicationType: 'SYNCHRONOUS',
    activationPolicy: 'ALWAYS',
    dataDiskType: 'PD_SSD',
    dataDiskSizeGb: '10',
    storageAutoResize: true,
    storageAutoResizeLimit: '0',
    connectorEnforcement: 'NOT_REQUIRED',
    deletionProtectionEnabled: false,
    databaseFlags: [],
    userLabels: {},
    ...given,
    tier: (given.tier as string | undefined) ?? '',
    edition,
    ipConfiguration: {
      ipv4Enabled: true,
      authorizedNetworks: [],
      sslMode: 'ALLOW_UNENCRYPTED_AND_ENCRYPTED',
      requireSsl: false,
      serverCaMode: 'GOOGLE_MANAGED_INTERNAL_CA',
      ...messageOf(given.ipConfiguration),
    },
    backupConfiguration: {
      enabled: false,
      startTime: '04:00',
      pointInTimeRecoveryEnabled: false,
      transactionLogRetentionDays: edition === 'ENTERPRISE_PLUS' ? 14 : 7,
      ...backup,
      backupRetentionSettings: {
        retentionUnit: 'COUNT',
        retainedBackups: edition === 'ENTERPRISE_PLUS' ? 15 : 7,
        ...messageOf(backup.backupRetentionSettings),
      },
    },
  }
}

/** Everything is checked before anything is changed. `before`: of an instance that is there already.
 *  @throws GcpError. */
export function checkSettings(settings: Settings, catalogue: Catalogue, before?: Settings): void {
  if (settings.tier === '') throw invalid('Missing required field: settings.tier')
  checkTier(settings.tier, settings.edition)
  checkChoices(settings)
  checkDisk(settings, before)
  checkBackups(settings)
  checkNetwork(settings)
  checkWindows(settings)
  checkLabels(settings.userLabels)
  checkFlags(catalogue, settings.databaseFlags)
}

/** What there is only of other engines, or nothing of here: refused rather than swallowed. */
function checkChoices(settings: Settings): void {
  const { activationPolicy, edition } = settings
  if (activationPolicy !== 'ALWAYS' && activationPolicy !== 'NEVER') throw invalid('Invalid activation policy for this instance')
  if (edition !== 'ENTERPRISE' && edition !== 'ENTERPRISE_PLUS') throw invalid(`Invalid edition: ${String(edition)}`)
  const { connectorEnforcement, activeDirectoryConfig, sqlServerAuditConfig }: Message = settings
  if (connectorEnforcement === 'REQUIRED') throw invalid('This lab cannot require connectors')
  if (activeDirectoryConfig !== undefined || sqlServerAuditConfig !== undefined) {
    throw invalid('These settings are available for SQL Server instances only')
  }
}

function checkDisk(settings: Settings, before?: Settings): void {
  const size = BigInt(settings.dataDiskSizeGb)
  if (size < DISK_MIN_GB || size > DISK_MAX_GB) {
    throw invalid(`The disk size must be between ${DISK_MIN_GB} GB and ${DISK_MAX_GB} GB, not ${size} GB`)
  }
  if (before && size < BigInt(before.dataDiskSizeGb)) {
    throw invalid(`Disk size cannot be decreased from ${before.dataDiskSizeGb} GB to ${size} GB`)
  }
  const limit = BigInt(settings.storageAutoResizeLimit)
  if (limit !== 0n && limit < size) throw invalid('The storage auto resize limit is smaller than the disk')
}

function checkBackups({ backupConfiguration: backup, edition }: Settings): void {
  const daysMax = edition === 'ENTERPRISE_PLUS' ? 35 : 7
  const { transactionLogRetentionDays: days, backupRetentionSettings: kept } = backup
  if (!(days >= 1 && days <= daysMax)) {
    throw invalid(`The number of transaction log retention days must be between 1 and ${daysMax}`)
  }
  if (!(kept.retainedBackups >= 1 && kept.retainedBackups <= 365)) {
    throw invalid('The number of retained backups must be between 1 and 365')
  }
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(backup.startTime))
    throw invalid(`Invalid backup start time: ${backup.startTime.slice(0, 50)}`)
  if (backup.pointInTimeRecoveryEnabled && !backup.enabled) {
    throw invalid('Point-in-time recovery requires automated backups to be enabled')
  }
  const { binaryLogEnabled }: Message = backup
  if (binaryLogEnabled === true) throw invalid('Binary logs are available for MySQL instances only')
}

function checkNetwork({ ipConfiguration }: Settings): void {
  const { privateNetwork, pscConfig, sslMode, requireSsl, serverCaMode }: Message = ipConfiguration
  if (privateNetwork !== undefined || pscConfig !== undefined)
    throw invalid('This lab has no VPC networks and no Private Service Connect')
  if (!ipConfiguration.ipv4Enabled) {
    throw invalid('At least one of Public IP or Private IP or PSC connectivity must be enabled')
  }
  if ((sslMode === 'TRUSTED_CLIENT_CERTIFICATE_REQUIRED') !== (requireSsl === true)) {
    throw invalid(`requireSsl ${String(requireSsl)} does not go with sslMode ${String(sslMode)}`)
  }
  if (serverCaMode !== 'GOOGLE_MANAGED_INTERNAL_CA') throw invalid('This lab has one certificate authority')
  checkNetworks(ipConfiguration.authorizedNetworks)
}

function checkWindows({ maintenanceWindow, denyMaintenancePeriods }: Message): void {
  const { hour, day } = messageOf(maintenanceWindow)
  if (hour !== undefined && !isWithin(hour, 0, 23)) throw invalid('The hour of the maintenance window must be between 0 and 23')
  if (day !== undefined && !isWithin(day, 1, 7)) throw invalid('The day of the maintenance window must be between 1 and 7')
  if (Array.isArray(denyMaintenancePeriods) && denyMaintenancePeriods.length > 1) {
    throw invalid('At most one deny maintenance period is allowed')
  }
}

function isWithin(value: Json | undefined, low: number, high: number): boolean {
  return typeof value === 'number' && value >= low && value <= high
}
