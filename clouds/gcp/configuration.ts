/** How a Cloud SQL instance is set up, and a copy set up so. A restored backup brings no settings along: those are its target's, which the adapter made with
 *  few of the source's. A clone has its source's, but for what was changed to make it inert. Source: Cloud SQL's pages on restoring and cloning. */
import { failure } from '../../contracts/failures'
import type { InstanceConfiguration } from '../../contracts/instance-configuration'
import { assertKind, changesTo, combined, headOf, isActing, named, plainTags, type Setters } from '../configuration'
import { canonicalNetwork } from '../networks'
import { assertRunning, PROTECTED_TAG } from '../owner'
import type { CallOptions, ChangeOptions, ConfigurationProgress, ManagedPostgres, Started } from '../port'
import type { CloudSql, Instance, Settings } from './client'
import { instanceDescription, instantOf } from './describe'
import { describe, describeOperation, editionOf, requireInstance, requireVery } from './instances'
import { tagsOfLabels } from './labels'
import { isSettled, patchSettings, replaceSettings, setNetworkRules, told } from './settings'

type Parts = Omit<InstanceConfiguration, 'version' | 'kind' | 'instance' | 'instanceId' | 'capturedAt'>
type SslMode = NonNullable<NonNullable<Settings['ipConfiguration']>['sslMode']>
type Backups = NonNullable<Settings['backupConfiguration']>

export async function describeConfiguration(sql: CloudSql, name: string, options: CallOptions): Promise<InstanceConfiguration> {
  const found = await requireInstance(sql, name, options)
  return { ...headOf('cloud-sql', instanceDescription(found, [])), ...partsOf(found) }
}

function partsOf(found: Instance): Parts {
  const { settings } = found
  const tags = tagsOfLabels(settings?.userLabels)
  const { ipv4Enabled, sslMode } = settings?.ipConfiguration ?? {}
  return {
    parameters: { group: null, clusterGroup: null, values: flagsOf(found) },
    capacity: {
      instanceClass: settings?.tier ?? '',
      storageGib: Number(settings?.dataDiskSizeGb?.value ?? 0),
      growsToGib: instanceDescription(found, []).growsToGib,
      storageType: wordOf(settings?.dataDiskType),
      iops: countOf(settings?.dataDiskProvisionedIops),
      throughputMib: countOf(settings?.dataDiskProvisionedThroughput),
    },
    availability: {
      standby: settings?.availabilityType === 'REGIONAL' ? 'other-zone' : 'none',
      standbyZone: settings?.locationPreference?.secondaryZone || null,
    },
    backups: backupsOf(settings),
    maintenance: {
      window: windowOf(settings?.maintenanceWindow),
      minorUpgrades: null,
      denied: (settings?.denyMaintenancePeriods ?? []).map(({ startDate, endDate, time }) => `${startDate}/${endDate} ${time}`),
    },
    monitoring: {
      intervalSeconds: null,
      role: null,
      insightsDays: null,
      insights: insightsOf(settings?.insightsConfig),
      logs: [],
    },
    // cloudsql.iam_authentication is a flag
    access: { identities: null, passwords: null, tenant: null, certificate: null },
    network: {
      rules: rulesOf(found).lasting,
      publicAddress: ipv4Enabled?.value === true,
      tls: wordOf(sslMode),
    },
    tags: plainTags(tags),
    protection: { deletion: settings?.deletionProtectionEnabled?.value ?? false, tag: tags[PROTECTED_TAG] ?? null },
    notCarried: notCarried(found),
  }
}

function flagsOf({ settings }: Instance): Record<string, string> {
  return Object.fromEntries((settings?.databaseFlags ?? []).map(({ name, value }) => [name ?? '', value ?? '']))
}

function wordOf(word: string | number | null | undefined): string | null {
  const text = String(word ?? '')
  return text === '' || text.endsWith('_UNSPECIFIED') || text.endsWith('_unspecified') ? null : text
}

function countOf(value: unknown): number | null {
  const number = Number(value ?? 0)
  return number === 0 ? null : number
}

function backupsOf(settings: Instance['settings']): InstanceConfiguration['backups'] {
  const { backupConfiguration: backup, retainBackupsOnDelete } = settings ?? {}
  const taken = backup?.enabled?.value === true
  const log = taken && backup?.pointInTimeRecoveryEnabled?.value === true
  return {
    keptDays: null,
    keptCount: taken ? (backup?.backupRetentionSettings?.retainedBackups?.value ?? 7) : 0,
    logDays: log ? (backup?.transactionLogRetentionDays?.value ?? 7) : 0,
    window: backup?.startTime || null,
    location: backup?.location || null,
    tagged: null,
    outliveInstance: retainBackupsOnDelete?.value === true,
  }
}

/** As `7 03 canary`: the day of the week, Monday first, the hour, and how early. */
function windowOf(window: Settings['maintenanceWindow']): string | null {
  const day = window?.day?.value ?? 0
  if (day === 0) return null
  const hour = String(window?.hour?.value ?? 0).padStart(2, '0')
  return `${day} ${hour} ${wordOf(window?.updateTrack) ?? 'any'}`
}

function insightsOf(insights: Settings['insightsConfig']): InstanceConfiguration['monitoring']['insights'] {
  if (insights?.queryInsightsEnabled !== true) return null
  return {
    recordApplicationTags: insights.recordApplicationTags ?? false,
    recordClientAddress: insights.recordClientAddress ?? false,
    queryStringLength: insights.queryStringLength?.value ?? 1_024,
    queryPlansPerMinute: insights.queryPlansPerMinute?.value ?? 5,
  }
}

/** One that ends some day is no rule of a copy, where it would stay. Networks of IPv6 the port does not know. */
function rulesOf({ settings }: Instance): { lasting: string[]; others: string[] } {
  const [lasting, others] = [new Set<string>(), new Set<string>()]
  for (const { value, expirationTime } of settings?.ipConfiguration?.authorizedNetworks ?? []) {
    const network = value ?? ''
    if (instantOf(expirationTime) !== null) others.add(`${network} until ${instantOf(expirationTime)}`)
    else if (/^[\d./]+$/.test(network)) lasting.add(canonicalNetwork(network))
    else others.add(network)
  }
  return { lasting: [...lasting].sort(), others: [...others].sort() }
}

/** Settings that this file knows, and that say nothing of how an instance is set up. */
const KNOWN = new Set([
  'activationPolicy',
  'availabilityType',
  'backupConfiguration',
  'databaseFlags',
  'dataDiskProvisionedIops',
  'dataDiskProvisionedThroughput',
  'dataDiskSizeGb',
  'dataDiskType',
  'deletionProtectionEnabled',
  'denyMaintenancePeriods',
  'edition',
  'insightsConfig',
  'ipConfiguration',
  'kind',
  'locationPreference',
  'maintenanceWindow',
  'pricingPlan',
  'replicationType',
  'retainBackupsOnDelete',
  'settingsVersion',
  'storageAutoResize',
  'storageAutoResizeLimit',
  'tier',
  'userLabels',
])

function notCarried(found: Instance): string[] {
  const { settings, replicaNames, diskEncryptionConfiguration } = found
  const { privateNetwork, pscConfig } = settings?.ipConfiguration ?? {}
  const others = Object.entries(told({ ...settings }) as object).filter(([name, value]) => !KNOWN.has(name) && !isOff(value))
  return [
    'alarms and dashboards (Cloud Monitoring)',
    'certificates: a copy has an authority of its own, and no client certificates',
    'names of its authorized networks',
    ...named('authorized networks that end, or that are none of IPv4', rulesOf(found).others),
    ...named('read replicas', replicaNames),
    ...named('its private network', [privateNetwork, pscConfig?.pscEnabled === true ? 'Private Service Connect' : null]),
    ...named('its customer-managed key', [diskEncryptionConfiguration?.kmsKeyName]),
    ...named(
      'settings',
      others.map(([name]) => name),
    ),
  ]
}

/** What a wrapper or a message of defaults says. */
function isOff(value: unknown): boolean {
  if (value === false || value === 0 || value === '0' || value === 'NOT_REQUIRED') return true
  return typeof value === 'object' && value !== null && Object.values(value).every(isOff)
}

const SETTERS: Setters<Settings> = {
  'capacity.instanceClass': ({ capacity: { instanceClass: tier } }) => ({ tier, edition: editionOf(tier) }),
  // disks never shrink, and their kind is for good
  'capacity.storageGib': ({ capacity: { storageGib } }, standing) =>
    storageGib !== null && storageGib > (standing.capacity.storageGib ?? 0) ? { dataDiskSizeGb: { value: storageGib } } : null,
  'capacity.growsToGib': ({ capacity: { growsToGib } }) => ({
    storageAutoResize: { value: growsToGib !== null },
    ...(growsToGib !== null && { storageAutoResizeLimit: { value: growsToGib } }),
  }),
  'availability.standby': ({ availability }) => ({
    availabilityType: availability.standby === 'none' ? 'ZONAL' : 'REGIONAL',
  }),
  'availability.standbyZone': ({ availability: { standbyZone: secondaryZone } }) =>
    secondaryZone === null ? null : { locationPreference: { secondaryZone } },
  'backups.keptCount': ({ backups }) => ({ backupConfiguration: backupsFor(backups) }),
  'backups.logDays': ({ backups }) => ({ backupConfiguration: backupsFor(backups) }),
  'backups.window': ({ backups: { window: startTime } }) => (startTime === null ? null : { backupConfiguration: { startTime } }),
  'backups.location': ({ backups: { location } }) => (location === null ? null : { backupConfiguration: { location } }),
  // undefined in what an earlier version captured
  'backups.outliveInstance': ({ backups: { outliveInstance: value } }) =>
    typeof value === 'boolean' ? { retainBackupsOnDelete: { value } } : null,
  'maintenance.window': ({ maintenance: { window } }) => windowFor(window),
  'maintenance.denied': ({ maintenance: { denied } }) => deniedFor(denied),
  'monitoring.insights': ({ monitoring: { insights } }) => ({ insightsConfig: insightsFor(insights) }),
  'network.publicAddress': ({ network }) => ({ ipConfiguration: { ipv4Enabled: { value: network.publicAddress } } }),
  'network.tls': ({ network: { tls } }) => (tls === null ? null : { ipConfiguration: { sslMode: tls as SslMode } }),
  tags: ({ tags }) => ({ userLabels: { ...tags } }),
  'protection.deletion': ({ protection }) => ({ deletionProtectionEnabled: { value: protection.deletion ?? false } }),
  'protection.tag': ({ protection: { tag } }) => (tag === null ? null : { userLabels: { [PROTECTED_TAG]: tag } }),
}

function backupsFor({ keptCount, logDays }: InstanceConfiguration['backups']): Backups {
  return {
    enabled: { value: keptCount !== 0 },
    pointInTimeRecoveryEnabled: { value: logDays !== 0 },
    ...(logDays && { transactionLogRetentionDays: { value: logDays } }),
    ...(keptCount && { backupRetentionSettings: { retentionUnit: 'COUNT', retainedBackups: { value: keptCount } } }),
  }
}

/** None: it cannot be taken away. */
function windowFor(window: string | null): Settings | null {
  const [, day, hour, track] = /^(\d) (\d\d) (\w+)$/.exec(window ?? '') ?? []
  if (day === undefined) return null
  const updateTrack = track as NonNullable<Settings['maintenanceWindow']>['updateTrack']
  const at = { day: { value: Number(day) }, hour: { value: Number(hour) } }
  return { maintenanceWindow: { ...at, ...(track !== 'any' && updateTrack && { updateTrack }) } }
}

/** The client says no empty list. */
function deniedFor(denied: readonly string[]): Settings | null {
  if (denied.length === 0) return null
  const denyMaintenancePeriods = denied.map((text) => {
    const [dates = '', time = ''] = text.split(' ')
    const [startDate = '', endDate = ''] = dates.split('/')
    return { startDate, endDate, time }
  })
  return { denyMaintenancePeriods }
}

function insightsFor(insights: InstanceConfiguration['monitoring']['insights']): NonNullable<Settings['insightsConfig']> {
  if (insights === null) return { queryInsightsEnabled: false }
  const { queryStringLength, queryPlansPerMinute } = insights
  return {
    queryInsightsEnabled: true,
    recordApplicationTags: insights.recordApplicationTags === true,
    recordClientAddress: insights.recordClientAddress === true,
    ...(typeof queryStringLength === 'number' && { queryStringLength: { value: queryStringLength } }),
    ...(typeof queryPlansPerMinute === 'number' && { queryPlansPerMinute: { value: queryPlansPerMinute } }),
  }
}

export async function applyConfiguration(
  sql: CloudSql,
  { instance, configuration: wanted, parts }: Parameters<ManagedPostgres['applyConfiguration']>[0],
  options: ChangeOptions,
): Promise<ConfigurationProgress> {
  const found = await requireVery(sql, instance, options)
  assertKind(wanted, 'cloud-sql')
  const description = await describe(sql, found, options)
  assertRunning(description)
  const standing = { ...wanted, ...partsOf(found) }
  const { changes, notCarried } = changesTo(SETTERS, { wanted, standing, parts })
  // Cloud SQL restarts by itself whatever needs it
  const unfinished = { done: false, restartNeeded: false, notCarried }
  if (description.state !== 'ready' || (await isChanging(sql, instance.name, options))) return unfinished
  const flags = parts.includes('parameters') ? flagsWhileInert(found, wanted) : null
  const change = combined([...changes, ...(flags === null ? [] : [{ databaseFlags: flags }])])
  if (Object.keys(change).length > 0) {
    const userLabels = { ...found.settings?.userLabels, ...change.userLabels }
    begin(sql, instance.name, await patchSettings(sql, found, { ...change, userLabels }, options))
    return unfinished
  }
  if (!parts.includes('network')) return { ...unfinished, done: true }
  return { ...unfinished, ...(await setNetworkRules(sql, { instance, networkRules: wanted.network.rules }, options)) }
}

function begin(sql: CloudSql, instance: string, { operation }: Started): void {
  if (operation !== null) sql.begun.set(instance, operation)
}

/** As far as this process began it. @throws CLOUD_REFUSED for what Google accepted and then did not do: it would be asked for again and again. */
async function isChanging(sql: CloudSql, instance: string, options: CallOptions): Promise<boolean> {
  const operation = sql.begun.get(instance)
  if (operation === undefined) return false
  const { state, message } = await describeOperation(sql, operation, options)
  if (state === 'running') return true
  sql.begun.delete(instance)
  if (state === 'failed') {
    throw failure('CLOUD_REFUSED', `Cloud SQL accepted a change of ${instance} and did not make it: ${message}`, { instance })
  }
  return false
}

type Flags = { name: string; value: string }[]

/** The captured ones, and of those that keep it inert what stands. Null: they are so. */
function flagsWhileInert(found: Instance, { parameters }: InstanceConfiguration): Flags | null {
  const standing = flagsOf(found)
  const acting = Object.entries(standing).filter(([name]) => isActing(name))
  const others = Object.entries(parameters.values).filter(([name]) => !isActing(name))
  return flagsUnless(standing, [...others, ...acting])
}

function flagsUnless(standing: Readonly<Record<string, string>>, wanted: readonly (readonly [string, string])[]): Flags | null {
  const same = wanted.length === Object.keys(standing).length && wanted.every(([name, value]) => standing[name] === value)
  return same ? null : wanted.map(([name, value]) => ({ name, value }))
}

export async function endInertness(
  sql: CloudSql,
  { instance, configuration }: Parameters<ManagedPostgres['endInertness']>[0],
  options: ChangeOptions,
): Promise<{ done: boolean; restartNeeded: boolean }> {
  const found = await requireVery(sql, instance, options)
  assertKind(configuration, 'cloud-sql')
  assertRunning(await describe(sql, found, options))
  if (await isChanging(sql, instance.name, options)) return { done: false, restartNeeded: false }
  const acting = Object.entries(configuration.parameters.values).filter(([name]) => isActing(name))
  const lacking = (one: Instance): Flags | null => {
    const standing = flagsOf(one)
    const others = Object.entries(standing).filter(([name]) => !isActing(name))
    return flagsUnless(standing, [...others, ...acting])
  }
  const databaseFlags = lacking(found)
  if (databaseFlags === null)
    return { done: await isSettled(sql, instance, options, (one) => lacking(one) === null), restartNeeded: false }
  // a patch cannot say an empty list
  const set = databaseFlags.length === 0 ? replaceSettings : patchSettings
  begin(sql, instance.name, await set(sql, found, { databaseFlags }, options))
  return { done: false, restartNeeded: false }
}
