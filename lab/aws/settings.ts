/** What an instance is told, remembers and shows, and what has no effect here: there is no machine to maintain, to watch or to encrypt.
 *  Wrong values are refused all the same, as in life. Source: RDS API reference, CreateDBInstance. */
import { invalidCombination, invalidValue } from './errors'
import type { DBInstance } from './generated/answers'
import type { Query } from './protocol/query'

export interface InstanceSettings {
  backupWindow: string
  maintenanceWindow: string
  autoMinorVersionUpgrade: boolean
  maxStorageGib: number | null
  encrypted: boolean
  kmsKeyId: string | null
  monitoringSeconds: number
  monitoringRole: string | null
  performanceInsights: boolean
  performanceInsightsDays: number | null
  logExports: string[]
  certificate: string
  licenseModel: string
  networkType: string
}

const LICENSE = 'postgresql-license'
const LOGS = ['postgresql', 'upgrade', 'iam-db-auth-error']

export function defaultSettings(): InstanceSettings {
  return {
    backupWindow: '03:00-03:30',
    maintenanceWindow: 'sun:04:00-sun:04:30',
    autoMinorVersionUpgrade: true,
    maxStorageGib: null,
    encrypted: false,
    kmsKeyId: null,
    monitoringSeconds: 0,
    monitoringRole: null,
    performanceInsights: false,
    performanceInsightsDays: null,
    logExports: [],
    certificate: 'rds-ca-rsa2048-g1',
    licenseModel: LICENSE,
    networkType: 'IPV4',
  }
}

/** What the request says, else as `before`. Encryption is chosen once: only creating reads it.
 *  @throws AwsError InvalidParameterValue, InvalidParameterCombination. */
export function parseSettings(query: Query, before: InstanceSettings): InstanceSettings {
  const performanceInsights = query.flag('EnablePerformanceInsights') ?? before.performanceInsights
  const settings = {
    ...before,
    backupWindow: query.text('PreferredBackupWindow') ?? before.backupWindow,
    maintenanceWindow: query.text('PreferredMaintenanceWindow')?.toLowerCase() ?? before.maintenanceWindow,
    autoMinorVersionUpgrade: query.flag('AutoMinorVersionUpgrade') ?? before.autoMinorVersionUpgrade,
    maxStorageGib: query.integer('MaxAllocatedStorage') ?? before.maxStorageGib,
    monitoringSeconds: query.integer('MonitoringInterval') ?? before.monitoringSeconds,
    monitoringRole: query.text('MonitoringRoleArn') ?? before.monitoringRole,
    performanceInsights,
    performanceInsightsDays: performanceInsights
      ? (query.integer('PerformanceInsightsRetentionPeriod') ?? before.performanceInsightsDays ?? 7)
      : null,
    logExports: logExports(query, before),
    certificate: query.text('CACertificateIdentifier') ?? before.certificate,
    licenseModel: query.text('LicenseModel') ?? before.licenseModel,
    networkType: query.text('NetworkType') ?? before.networkType,
  }
  check(settings)
  return settings
}

/** For a new volume. */
export function parseEncryption(query: Query): Pick<InstanceSettings, 'encrypted' | 'kmsKeyId'> {
  const kmsKeyId = query.text('KmsKeyId') ?? null
  const encrypted = query.flag('StorageEncrypted') ?? kmsKeyId !== null
  if (!encrypted && kmsKeyId !== null) {
    throw invalidCombination('KmsKeyId can be specified only when StorageEncrypted is true.')
  }
  return { encrypted, kmsKeyId: encrypted ? (kmsKeyId ?? 'alias/aws/rds') : null }
}

function logExports(query: Query, before: InstanceSettings): string[] {
  const enabled = query.list('EnableCloudwatchLogsExports') ?? query.list('CloudwatchLogsExportConfiguration.EnableLogTypes')
  const disabled = query.list('CloudwatchLogsExportConfiguration.DisableLogTypes') ?? []
  const wrong = [...(enabled ?? []), ...disabled].filter((name) => !LOGS.includes(name))
  if (wrong.length > 0) {
    throw invalidCombination(`You cannot use the log types '${wrong.join(', ')}' with engine version postgres.`)
  }
  return [...new Set([...before.logExports, ...(enabled ?? [])])].filter((name) => !disabled.includes(name)).sort()
}

function check(settings: InstanceSettings): void {
  const backup = minutesOf(/^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(settings.backupWindow))
  if (backup === undefined || backup < 30) throw invalidValue(`Invalid backup window format: ${settings.backupWindow}`)
  const days = 'mon|tue|wed|thu|fri|sat|sun'
  const maintenance = new RegExp(`^(?:${days}):(\\d\\d):(\\d\\d)-(?:${days}):(\\d\\d):(\\d\\d)$`).exec(settings.maintenanceWindow)
  const length = minutesOf(maintenance)
  if (length === undefined || length < 30) throw invalidValue(`Invalid maintenance window format: ${settings.maintenanceWindow}`)
  if (![0, 1, 5, 10, 15, 30, 60].includes(settings.monitoringSeconds)) {
    throw invalidValue(`Invalid monitoring interval: ${settings.monitoringSeconds}. Must be one of 0, 1, 5, 10, 15, 30, 60.`)
  }
  if (settings.monitoringSeconds > 0 && settings.monitoringRole === null) {
    throw invalidCombination('A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0.')
  }
  if (settings.licenseModel !== LICENSE)
    throw invalidValue(`Invalid license model '${settings.licenseModel}' for engine 'postgres'.`)
  if (settings.networkType !== 'IPV4') throw invalidCombination(`The network type ${settings.networkType} is not supported here.`)
}

/** From the first time to the second, past midnight if need be. Undefined for what are no times. */
function minutesOf(found: RegExpExecArray | null): number | undefined {
  const [fromHour = 24, fromMinute = 60, toHour = 24, toMinute = 60] = found?.slice(1).map(Number) ?? []
  if (fromHour > 23 || toHour > 23 || fromMinute > 59 || toMinute > 59) return undefined
  return (toHour * 60 + toMinute - fromHour * 60 - fromMinute + 1_440) % 1_440
}

export function settingsView(settings: InstanceSettings): DBInstance {
  return {
    PreferredBackupWindow: settings.backupWindow,
    PreferredMaintenanceWindow: settings.maintenanceWindow,
    AutoMinorVersionUpgrade: settings.autoMinorVersionUpgrade,
    MaxAllocatedStorage: settings.maxStorageGib,
    StorageEncrypted: settings.encrypted,
    KmsKeyId: settings.kmsKeyId,
    MonitoringInterval: settings.monitoringSeconds,
    MonitoringRoleArn: settings.monitoringRole,
    PerformanceInsightsEnabled: settings.performanceInsights,
    PerformanceInsightsRetentionPeriod: settings.performanceInsightsDays,
    EnabledCloudwatchLogsExports: settings.logExports.length === 0 ? undefined : settings.logExports,
    CACertificateIdentifier: settings.certificate,
    LicenseModel: settings.licenseModel,
    NetworkType: settings.networkType,
  }
}
