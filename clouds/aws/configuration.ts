/** How an RDS instance is set up, and a copy set up so. A restore is told class, network and parameters; monitoring, windows, standby, authentication,
 *  protection and most of the rest have RDS's defaults afterwards. Source: RDS user guide, "Restoring to a DB instance". */
import type { DBInstance, ModifyDBInstanceCommandInput } from '@aws-sdk/client-rds'
import type { InstanceConfiguration } from '../../contracts/instance-configuration'
import {
  assertKind,
  changesTo,
  combined,
  headOf,
  isActing,
  named,
  plainTags,
  refusedConfiguration,
  type Setters,
} from '../configuration'
import { assertRunning, PROTECTED_TAG } from '../owner'
import type { CallOptions, ChangeOptions, ConfigurationProgress, ManagedPostgres } from '../port'
import type { Rds } from './client'
import { instanceDescription } from './describe'
import { requireInstance, requireVery, setNetworkRules } from './instances'
import { findGroup, OF_INSTANCE } from './parameter-groups'
import { groupOf, ownParametersOf, setInGroup } from './parameters'
import { tagRecord } from './tags'

type Changes = Omit<ModifyDBInstanceCommandInput, 'DBInstanceIdentifier'>
type Parts = Omit<InstanceConfiguration, 'version' | 'kind' | 'instance' | 'instanceId' | 'capturedAt' | 'parameters'>

export async function describeConfiguration(rds: Rds, name: string, options: CallOptions): Promise<InstanceConfiguration> {
  const raw = await requireInstance(rds, name, options)
  const { group } = groupOf(raw)
  const parameters = { group, clusterGroup: null, values: await ownParametersOf(rds, group, options) }
  return { ...headOf('rds', instanceDescription(raw)), parameters, ...partsOf(raw) }
}

function partsOf(raw: DBInstance): Parts {
  const tags = tagRecord(raw.TagList)
  return {
    capacity: {
      instanceClass: raw.DBInstanceClass ?? '',
      storageGib: raw.AllocatedStorage ?? 0,
      growsToGib: instanceDescription(raw).growsToGib,
      storageType: raw.StorageType ?? null,
      iops: raw.Iops ?? null,
      throughputMib: raw.StorageThroughput ?? null,
    },
    // where the standby is, RDS chooses
    availability: { standby: raw.MultiAZ === true ? 'other-zone' : 'none', standbyZone: null },
    backups: {
      keptDays: raw.BackupRetentionPeriod ?? 0,
      keptCount: null,
      // the log is kept as long as the backups
      logDays: raw.BackupRetentionPeriod ?? 0,
      window: raw.PreferredBackupWindow ?? null,
      location: null,
      tagged: raw.CopyTagsToSnapshot ?? false,
      outliveInstance: null,
    },
    maintenance: {
      window: raw.PreferredMaintenanceWindow ?? null,
      minorUpgrades: raw.AutoMinorVersionUpgrade ?? false,
      denied: [],
    },
    monitoring: monitoringOf(raw),
    access: {
      identities: raw.IAMDatabaseAuthenticationEnabled ?? false,
      passwords: null,
      tenant: null,
      certificate: raw.CACertificateIdentifier ?? null,
    },
    network: {
      rules: (raw.VpcSecurityGroups ?? []).map(({ VpcSecurityGroupId = '' }) => VpcSecurityGroupId).sort(),
      publicAddress: raw.PubliclyAccessible ?? false,
      // rds.force_ssl is a parameter
      tls: null,
    },
    tags: settableTags(tags),
    protection: { deletion: raw.DeletionProtection ?? false, tag: tags[PROTECTED_TAG] ?? null },
    notCarried: notCarried(raw),
  }
}

/** Of an instance, or of a member of a cluster. */
export function monitoringOf(raw: DBInstance): InstanceConfiguration['monitoring'] {
  const { MonitoringInterval: intervalSeconds = 0 } = raw
  return {
    intervalSeconds,
    // one that is not used cannot be set, nor taken away
    role: intervalSeconds === 0 ? null : (raw.MonitoringRoleArn ?? null),
    insightsDays: raw.PerformanceInsightsEnabled === true ? (raw.PerformanceInsightsRetentionPeriod ?? 7) : 0,
    insights: null,
    logs: [...(raw.EnabledCloudwatchLogsExports ?? [])].sort(),
  }
}

/** Those that AWS gives by itself nobody can set. */
export function settableTags(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(plainTags(tags)).filter(([name]) => !name.startsWith('aws:')))
}

function notCarried(raw: DBInstance): string[] {
  const options = (raw.OptionGroupMemberships ?? []).map(({ OptionGroupName }) => OptionGroupName ?? '')
  return [
    ...OTHERS,
    ...named('read replicas', raw.ReadReplicaDBInstanceIdentifiers),
    ...named(
      'option groups',
      options.filter((name) => !name.startsWith('default:')),
    ),
    ...memberOwn(raw),
  ]
}

/** Other services', which this adapter does not ask. */
export const OTHERS = [
  'alarms and dashboards (CloudWatch)',
  'event subscriptions and notifications',
  'proxies (RDS Proxy)',
  'what its security groups say (EC2)',
]

/** Of an instance, or of a member of a cluster. */
export function memberOwn(raw: DBInstance): string[] {
  const streaming = raw.ActivityStreamStatus !== undefined && raw.ActivityStreamStatus !== 'stopped'
  return [
    ...named(
      'roles for other services',
      (raw.AssociatedRoles ?? []).map(({ RoleArn }) => RoleArn),
    ),
    ...named(
      'directories',
      (raw.DomainMemberships ?? []).map(({ Domain }) => Domain),
    ),
    ...named('its master password in Secrets Manager', [raw.MasterUserSecret?.SecretArn]),
    ...named('its key for Performance Insights', [raw.PerformanceInsightsKMSKeyId]),
    ...named('its database activity stream', [streaming ? raw.ActivityStreamKinesisStreamName : null]),
    ...named('changes that wait for its maintenance window', Object.keys(raw.PendingModifiedValues ?? {})),
    ...named(
      'tags of AWS',
      Object.keys(tagRecord(raw.TagList)).filter((name) => name.startsWith('aws:')),
    ),
  ]
}

/** Of an instance, or of a member of a cluster. */
export const MONITORING: Setters<Changes> = {
  'monitoring.intervalSeconds': ({ monitoring }) => monitored(monitoring),
  'monitoring.role': ({ monitoring }) => monitored(monitoring),
  'monitoring.insightsDays': ({ monitoring: { insightsDays } }) =>
    insightsDays === 0 || insightsDays === null
      ? { EnablePerformanceInsights: false }
      : { EnablePerformanceInsights: true, PerformanceInsightsRetentionPeriod: insightsDays },
}

function monitored({ intervalSeconds, role }: InstanceConfiguration['monitoring']): Changes | null {
  if (intervalSeconds === 0) return { MonitoringInterval: 0 }
  return intervalSeconds === null || role === null ? null : { MonitoringInterval: intervalSeconds, MonitoringRoleArn: role }
}

/** As both kinds of changes take it. */
export function exported(wanted: InstanceConfiguration, standing: InstanceConfiguration) {
  const [want, have] = [wanted.monitoring.logs, standing.monitoring.logs]
  return {
    CloudwatchLogsExportConfiguration: {
      EnableLogTypes: want.filter((name) => !have.includes(name)),
      DisableLogTypes: have.filter((name) => !want.includes(name)),
    },
  }
}

const SETTERS: Setters<Changes> = {
  ...MONITORING,
  'monitoring.logs': exported,
  'capacity.instanceClass': ({ capacity }) => ({ DBInstanceClass: capacity.instanceClass }),
  // storage never shrinks
  'capacity.storageGib': ({ capacity: { storageGib } }, standing) =>
    storageGib !== null && storageGib > (standing.capacity.storageGib ?? 0) ? { AllocatedStorage: storageGib } : null,
  'capacity.growsToGib': ({ capacity: { growsToGib } }) => (growsToGib === null ? null : { MaxAllocatedStorage: growsToGib }),
  'capacity.storageType': ({ capacity }) => storageOf(capacity),
  'capacity.iops': ({ capacity }) => storageOf(capacity),
  'capacity.throughputMib': ({ capacity }) => storageOf(capacity),
  'availability.standby': ({ availability }) => ({ MultiAZ: availability.standby !== 'none' }),
  'backups.keptDays': ({ backups }) => ({ BackupRetentionPeriod: backups.keptDays ?? 0 }),
  'backups.logDays': () => ({}),
  'backups.window': ({ backups: { window } }) => (window === null ? null : { PreferredBackupWindow: window }),
  'backups.tagged': ({ backups }) => ({ CopyTagsToSnapshot: backups.tagged ?? false }),
  'maintenance.window': ({ maintenance: { window } }) => (window === null ? null : { PreferredMaintenanceWindow: window }),
  'maintenance.minorUpgrades': ({ maintenance }) => ({ AutoMinorVersionUpgrade: maintenance.minorUpgrades ?? false }),
  'access.identities': ({ access }) => ({ EnableIAMDatabaseAuthentication: access.identities ?? false }),
  'access.certificate': ({ access: { certificate } }) => (certificate === null ? null : { CACertificateIdentifier: certificate }),
  'network.publicAddress': ({ network }) => ({ PubliclyAccessible: network.publicAddress }),
  'protection.deletion': ({ protection }) => ({ DeletionProtection: protection.deletion ?? false }),
  // tags have calls of their own
  tags: () => ({}),
  'protection.tag': ({ protection }) => (protection.tag === null ? null : {}),
}

function storageOf({ storageType, iops, throughputMib }: InstanceConfiguration['capacity']): Changes | null {
  if (storageType === null) return null
  return {
    StorageType: storageType,
    ...(iops !== null && { Iops: iops }),
    ...(throughputMib !== null && { StorageThroughput: throughputMib }),
  }
}

export async function applyConfiguration(
  rds: Rds,
  { instance, configuration: wanted, parts }: Parameters<ManagedPostgres['applyConfiguration']>[0],
  options: ChangeOptions,
): Promise<ConfigurationProgress> {
  const raw = await requireVery(rds, instance, options)
  assertKind(wanted, 'rds')
  const description = instanceDescription(raw)
  assertRunning(description)
  const pending = raw.PendingModifiedValues ?? {}
  // what waits to become so is not asked for again
  const { IAMDatabaseAuthenticationEnabled = raw.IAMDatabaseAuthenticationEnabled, ...others } = pending
  const standing = { ...wanted, ...partsOf({ ...raw, ...others, IAMDatabaseAuthenticationEnabled }) }
  const { changes, notCarried } = changesTo(SETTERS, { wanted, standing, parts })
  const unfinished = { done: false, restartNeeded: false, notCarried }
  if (description.state !== 'ready') return unfinished
  if (await addTags(rds, { arn: raw.DBInstanceArn ?? '', tags: tagRecord(raw.TagList) }, { wanted, parts }, options)) {
    return unfinished
  }
  const change = combined(changes)
  if (Object.keys(change).length > 0) {
    await rds.change('ModifyDBInstance', options, (client) =>
      client.modifyDBInstance({ ...change, DBInstanceIdentifier: instance.name, ApplyImmediately: true }),
    )
    return unfinished
  }
  if (Object.keys(pending).length > 0) return unfinished
  if (parts.includes('network')) {
    const { done } = await setNetworkRules(rds, { instance, networkRules: wanted.network.rules }, options)
    if (!done) return unfinished
  }
  if (!parts.includes('parameters')) return { ...unfinished, done: true }
  return { ...(await alignParameters(rds, { raw, wanted, users: [instance.name] }, options)), notCarried }
}

/** In the group that an instance, or a member of a cluster, has for itself. One that has the captured group already is left to it. */
export async function alignParameters(
  rds: Rds,
  { raw, wanted, users }: { raw: DBInstance; wanted: InstanceConfiguration; users: readonly string[] },
  options: ChangeOptions,
): Promise<{ done: boolean; restartNeeded: boolean }> {
  const { group, status } = groupOf(raw)
  if (group === wanted.parameters.group) return { done: status !== 'applying', restartNeeded: status === 'pending-reboot' }
  const values = Object.fromEntries(Object.entries(wanted.parameters.values).filter(([name]) => !isActing(name)))
  return setInGroup(rds, { group, status, what: `instance ${raw.DBInstanceIdentifier}`, users }, values, options)
}

/** @returns whether there was something to add. */
export async function addTags(
  rds: Rds,
  { arn, tags }: { arn: string; tags: Readonly<Record<string, string>> },
  { wanted, parts }: Pick<Parameters<ManagedPostgres['applyConfiguration']>[0], 'parts'> & { wanted: InstanceConfiguration },
  options: ChangeOptions,
): Promise<boolean> {
  const { tag } = wanted.protection
  const all = {
    ...(parts.includes('tags') && wanted.tags),
    ...(parts.includes('protection') && tag !== null && { [PROTECTED_TAG]: tag }),
  }
  const missing = Object.entries(all).filter(([name, value]) => tags[name] !== value)
  if (missing.length === 0) return false
  const Tags = missing.map(([Key, Value]) => ({ Key, Value }))
  await rds.change('AddTagsToResource', options, (client) => client.addTagsToResource({ ResourceName: arn, Tags }))
  return true
}

export async function endInertness(
  rds: Rds,
  { instance, configuration }: Parameters<ManagedPostgres['endInertness']>[0],
  options: ChangeOptions,
): Promise<{ done: boolean; restartNeeded: boolean }> {
  const raw = await requireVery(rds, instance, options)
  assertKind(configuration, 'rds')
  assertRunning(instanceDescription(raw))
  return takeGroup(rds, { raw, configuration }, options)
}

/** Gives an instance, or a member of a cluster, the group that was captured in place of the one that keeps it inert. @throws CLOUD_REFUSED where
 *  that is gone: its values alone would make a group that nobody knows. */
export async function takeGroup(
  rds: Rds,
  { raw, configuration }: { raw: DBInstance; configuration: InstanceConfiguration },
  options: ChangeOptions,
): Promise<{ done: boolean; restartNeeded: boolean }> {
  const { DBInstanceIdentifier } = raw
  const { group, status } = groupOf(raw)
  const wanted = configuration.parameters.group ?? ''
  if (group === wanted) return { done: status !== 'applying', restartNeeded: status === 'pending-reboot' }
  const there = await rds.call('DescribeDBParameterGroups', options, (client) => findGroup(OF_INSTANCE, client, wanted, options))
  if (there === null) {
    throw refusedConfiguration(configuration, `its parameter group ${wanted} is gone. Make one of that name, then start again.`)
  }
  await rds.change('ModifyDBInstance', options, (client) =>
    client.modifyDBInstance({ DBInstanceIdentifier, DBParameterGroupName: wanted, ApplyImmediately: true }),
  )
  return { done: false, restartNeeded: false }
}
