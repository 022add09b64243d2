/** How an Aurora cluster is set up, and a copy set up so. What belongs to a server is its writer's, and is given to every member of the copy, since
 *  each may become the writer; the rest is the cluster's. A copy has a cluster parameter group of its own, which is its source's but for what keeps
 *  it inert, and takes the captured one only when that ends. */
import type { DBCluster, ModifyDBClusterCommandInput, ModifyDBInstanceCommandInput } from '@aws-sdk/client-rds'
import type { InstanceConfiguration } from '../../../contracts/instance-configuration'
import { assertKind, changesTo, combined, headOf, named, refusedConfiguration, type Setters } from '../../configuration'
import { assertRunning, PROTECTED_TAG } from '../../owner'
import type { CallOptions, ChangeOptions, ConfigurationProgress, ManagedPostgres } from '../../port'
import type { Rds } from '../client'
import {
  addTags,
  alignParameters,
  exported,
  MONITORING,
  memberOwn,
  monitoringOf,
  OTHERS,
  settableTags,
  takeGroup,
} from '../configuration'
import { resourceState } from '../describe'
import { findGroup, OF_CLUSTER } from '../parameter-groups'
import { groupOf, ownParametersOf } from '../parameters'
import { tagRecord } from '../tags'
import { classOf } from './capacity'
import { setNetworkRules, startScale } from './changes'
import { requireCluster, requireVery, requireWriter } from './clusters'
import { type Cluster, clusterDescription } from './describe'

/** Of the cluster, and of a member. */
interface Changes {
  readonly cluster?: Omit<ModifyDBClusterCommandInput, 'DBClusterIdentifier'>
  readonly member?: Omit<ModifyDBInstanceCommandInput, 'DBInstanceIdentifier'>
}
type Parts = Omit<InstanceConfiguration, 'version' | 'kind' | 'instance' | 'instanceId' | 'capturedAt' | 'parameters'>

export async function describeConfiguration(rds: Rds, name: string, options: CallOptions): Promise<InstanceConfiguration> {
  const cluster = await requireCluster(rds, name, options)
  const { group } = groupOf(requireWriter(cluster))
  const values = await ownParametersOf(rds, group, options)
  return { ...headOf('aurora', clusterDescription(cluster)), ...configured(cluster, values) }
}

function configured(
  cluster: Cluster,
  values: Readonly<Record<string, string>>,
): Parts & Pick<InstanceConfiguration, 'parameters'> {
  const { raw, members } = cluster
  const writer = requireWriter(cluster)
  const tags = tagRecord(raw.TagList)
  return {
    parameters: { group: groupOf(writer).group, clusterGroup: raw.DBClusterParameterGroup ?? null, values },
    capacity: {
      instanceClass: classOf(raw, writer),
      storageGib: null,
      growsToGib: null,
      storageType: raw.StorageType ?? null,
      iops: null,
      throughputMib: null,
    },
    availability: { standby: standbyOf(raw, members.length), standbyZone: null },
    backups: {
      keptDays: raw.BackupRetentionPeriod ?? 1,
      keptCount: null,
      logDays: raw.BackupRetentionPeriod ?? 1,
      window: raw.PreferredBackupWindow ?? null,
      location: null,
      tagged: raw.CopyTagsToSnapshot ?? false,
      outliveInstance: null,
    },
    maintenance: {
      window: raw.PreferredMaintenanceWindow ?? null,
      minorUpgrades: writer.AutoMinorVersionUpgrade ?? false,
      denied: [],
    },
    // logs are handed on by the cluster
    monitoring: { ...monitoringOf(writer), logs: [...(raw.EnabledCloudwatchLogsExports ?? [])].sort() },
    access: {
      identities: raw.IAMDatabaseAuthenticationEnabled ?? false,
      passwords: null,
      tenant: null,
      certificate: writer.CACertificateIdentifier ?? null,
    },
    network: {
      rules: (raw.VpcSecurityGroups ?? []).map(({ VpcSecurityGroupId = '' }) => VpcSecurityGroupId).sort(),
      publicAddress: writer.PubliclyAccessible ?? false,
      tls: null,
    },
    tags: settableTags(tags),
    protection: { deletion: raw.DeletionProtection ?? false, tag: tags[PROTECTED_TAG] ?? null },
    notCarried: notCarried(cluster),
  }
}

function standbyOf({ MultiAZ }: DBCluster, members: number): InstanceConfiguration['availability']['standby'] {
  if (members < 2) return 'none'
  return MultiAZ === true ? 'other-zone' : 'same-zone'
}

function notCarried(cluster: Cluster): string[] {
  const { raw, members } = cluster
  const writer = requireWriter(cluster)
  const readers = members.filter(({ DBInstanceIdentifier }) => DBInstanceIdentifier !== writer.DBInstanceIdentifier)
  return [
    ...OTHERS,
    'custom endpoints',
    'scaling policies of its readers (Application Auto Scaling)',
    ...named(
      'readers',
      readers.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier),
    ),
    ...named('its place in the global database', [raw.GlobalClusterIdentifier]),
    ...named('its Data API', [raw.HttpEndpointEnabled === true ? 'enabled' : null]),
    ...named(
      'roles for other services',
      (raw.AssociatedRoles ?? []).map(({ RoleArn }) => RoleArn),
    ),
    ...named('changes of the cluster that are on their way', Object.keys(raw.PendingModifiedValues ?? {})),
    ...memberOwn(writer),
  ]
}

const ofMember = (setting: string): Setters<Changes>[string] => {
  return (wanted, standing) => {
    const member = MONITORING[setting]?.(wanted, standing) ?? null
    return member === null ? null : { member }
  }
}

/** Readers are servers that cost what the writer does: whoever restores decides about them. */
const SETTERS: Setters<Changes> = {
  ...Object.fromEntries(Object.keys(MONITORING).map((setting) => [setting, ofMember(setting)])),
  'monitoring.logs': (wanted, standing) => ({ cluster: exported(wanted, standing) }),
  // by `startScale`, which knows of capacities
  'capacity.instanceClass': () => ({}),
  'backups.keptDays': ({ backups }) => ({ cluster: { BackupRetentionPeriod: backups.keptDays ?? 1 } }),
  'backups.logDays': () => ({}),
  'backups.window': ({ backups: { window } }) => (window === null ? null : { cluster: { PreferredBackupWindow: window } }),
  'backups.tagged': ({ backups }) => ({ cluster: { CopyTagsToSnapshot: backups.tagged ?? false } }),
  'maintenance.window': ({ maintenance: { window } }) =>
    window === null ? null : { cluster: { PreferredMaintenanceWindow: window } },
  'maintenance.minorUpgrades': ({ maintenance }) => ({
    member: { AutoMinorVersionUpgrade: maintenance.minorUpgrades ?? false },
  }),
  'access.identities': ({ access }) => ({ cluster: { EnableIAMDatabaseAuthentication: access.identities ?? false } }),
  'access.certificate': ({ access: { certificate } }) =>
    certificate === null ? null : { member: { CACertificateIdentifier: certificate } },
  'network.publicAddress': ({ network }) => ({ member: { PubliclyAccessible: network.publicAddress } }),
  'protection.deletion': ({ protection }) => ({ cluster: { DeletionProtection: protection.deletion ?? false } }),
  // tags have calls of their own
  tags: () => ({}),
  'protection.tag': ({ protection }) => (protection.tag === null ? null : {}),
}

export async function applyConfiguration(
  rds: Rds,
  { instance, configuration: wanted, parts }: Parameters<ManagedPostgres['applyConfiguration']>[0],
  options: ChangeOptions,
): Promise<ConfigurationProgress> {
  const cluster = await requireVery(rds, instance, options)
  assertKind(wanted, 'aurora')
  const description = clusterDescription(cluster)
  assertRunning(description)
  const pending = withPending(cluster)
  const told = (of: Cluster) => changesTo(SETTERS, { wanted, standing: { ...wanted, ...configured(of, {}) }, parts })
  const { changes, notCarried } = told(pending)
  // each for itself: one may have been changed before whoever did it was stopped
  const ofMembers = pending.members
    .filter(({ DBInstanceStatus }) => DBInstanceStatus !== 'deleting')
    .map((writer) => ({ raw: writer, change: combined(told({ ...pending, writer }).changes).member }))
  const unfinished = { done: false, restartNeeded: false, notCarried }
  if (description.state !== 'ready') return unfinished
  const { DBClusterArn: arn = '', TagList } = cluster.raw
  if (await addTags(rds, { arn, tags: tagRecord(TagList) }, { wanted, parts }, options)) return unfinished
  if (await change(rds, { cluster, wanted, parts, ofCluster: combined(changes).cluster, ofMembers }, options)) return unfinished
  if (isMoving(cluster)) return unfinished
  if (parts.includes('network')) {
    const { done } = await setNetworkRules(rds, { instance, networkRules: wanted.network.rules }, options)
    if (!done) return unfinished
  }
  if (!parts.includes('parameters')) return { ...unfinished, done: true }
  return { ...(await alignMembers(rds, { cluster, wanted }, options)), notCarried }
}

/** With what waits to become so: that is not asked for again. */
function withPending(cluster: Cluster): Cluster {
  const { IAMDatabaseAuthenticationEnabled = cluster.raw.IAMDatabaseAuthenticationEnabled } =
    cluster.raw.PendingModifiedValues ?? {}
  const members = cluster.members.map((member) => ({ ...member, ...classPending(member) }))
  const writer = members.find(({ DBInstanceIdentifier }) => DBInstanceIdentifier === cluster.writer?.DBInstanceIdentifier) ?? null
  return { ...cluster, raw: { ...cluster.raw, IAMDatabaseAuthenticationEnabled }, members, writer }
}

function classPending({ DBInstanceClass, PendingModifiedValues }: Cluster['members'][number]) {
  return { DBInstanceClass: PendingModifiedValues?.DBInstanceClass ?? DBInstanceClass }
}

function isMoving({ raw, members }: Cluster): boolean {
  const pending = [raw, ...members].flatMap(({ PendingModifiedValues }) => Object.keys(PendingModifiedValues ?? {}))
  return pending.length > 0
}

/** @returns whether there was something to change. */
async function change(
  rds: Rds,
  {
    cluster,
    wanted,
    parts,
    ofCluster,
    ofMembers,
  }: Pick<Parameters<ManagedPostgres['applyConfiguration']>[0], 'parts'> & {
    cluster: Cluster
    wanted: InstanceConfiguration
    ofCluster: Changes['cluster']
    ofMembers: readonly { readonly raw: Cluster['members'][number]; readonly change: Changes['member'] }[]
  },
  options: ChangeOptions,
): Promise<boolean> {
  const { name, raw } = cluster
  if (ofCluster !== undefined && Object.keys(ofCluster).length > 0) {
    await rds.change('ModifyDBCluster', options, (client) =>
      client.modifyDBCluster({ ...ofCluster, DBClusterIdentifier: name, ApplyImmediately: true }),
    )
    return true
  }
  const differing = ofMembers.filter(({ change }) => change !== undefined && Object.keys(change).length > 0)
  // one that is changing is looked at again
  for (const { raw: member, change } of differing.filter((one) => resourceState(one.raw.DBInstanceStatus ?? '') !== 'changing')) {
    const { DBInstanceIdentifier } = member
    await rds.change('ModifyDBInstance', options, (client) =>
      client.modifyDBInstance({ ...change, DBInstanceIdentifier, ApplyImmediately: true }),
    )
  }
  if (differing.length > 0) return true
  const { instanceClass } = wanted.capacity
  const { writer } = withPending(cluster)
  if (!parts.includes('capacity') || writer === null || classOf(raw, writer) === instanceClass) return false
  const instance = { name, instanceId: raw.DbClusterResourceId ?? '' }
  await startScale(rds, { instance, instanceClass, storageGib: null }, options)
  return true
}

async function alignMembers(
  rds: Rds,
  { cluster, wanted }: { cluster: Cluster; wanted: InstanceConfiguration },
  options: ChangeOptions,
): Promise<{ done: boolean; restartNeeded: boolean }> {
  const users = cluster.members.map(({ DBInstanceIdentifier = '' }) => DBInstanceIdentifier)
  return ofAll(cluster, (raw) => alignParameters(rds, { raw, wanted, users }, options))
}

/** A restart is needed where the writer waits for one, for its own group or its cluster's. */
async function ofAll(
  cluster: Cluster,
  act: (member: Cluster['members'][number]) => Promise<{ done: boolean; restartNeeded: boolean }>,
): Promise<{ done: boolean; restartNeeded: boolean }> {
  const { DBInstanceIdentifier: writer } = requireWriter(cluster)
  let [done, restartNeeded] = [true, false]
  for (const member of cluster.members) {
    const answer = await act(member)
    done &&= answer.done
    if (member.DBInstanceIdentifier === writer) restartNeeded = answer.restartNeeded
  }
  const statuses = cluster.raw.DBClusterMembers ?? []
  done &&= statuses.every(({ DBClusterParameterGroupStatus }) => DBClusterParameterGroupStatus !== 'applying')
  const own = statuses.find(({ DBInstanceIdentifier }) => DBInstanceIdentifier === writer)
  return { done, restartNeeded: done && (restartNeeded || own?.DBClusterParameterGroupStatus === 'pending-reboot') }
}

export async function endInertness(
  rds: Rds,
  { instance, configuration }: Parameters<ManagedPostgres['endInertness']>[0],
  options: ChangeOptions,
): Promise<{ done: boolean; restartNeeded: boolean }> {
  const cluster = await requireVery(rds, instance, options)
  assertKind(configuration, 'aurora')
  assertRunning(clusterDescription(cluster))
  if (await takeClusterGroup(rds, { cluster, configuration }, options)) return { done: false, restartNeeded: false }
  return ofAll(cluster, (raw) => takeGroup(rds, { raw, configuration }, options))
}

/** As `takeGroup`. @returns whether it was another one. @throws CLOUD_REFUSED where the captured one is gone. */
async function takeClusterGroup(
  rds: Rds,
  { cluster, configuration }: { cluster: Cluster; configuration: InstanceConfiguration },
  options: ChangeOptions,
): Promise<boolean> {
  const wanted = configuration.parameters.clusterGroup
  if (wanted === null || wanted === cluster.raw.DBClusterParameterGroup) return false
  const there = await rds.call('DescribeDBClusterParameterGroups', options, (client) =>
    findGroup(OF_CLUSTER, client, wanted, options),
  )
  if (there === null) {
    const why = `its cluster parameter group ${wanted} is gone. Make one of that name, then start again.`
    throw refusedConfiguration(configuration, why)
  }
  const change = { DBClusterIdentifier: cluster.name, DBClusterParameterGroupName: wanted, ApplyImmediately: true }
  await rds.change('ModifyDBCluster', options, (client) => client.modifyDBCluster(change))
  return true
}
