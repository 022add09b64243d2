/** How a flexible server is set up, and a copy set up so. A restore keeps sizes, parameters, backups and the maintenance window; standby, firewall
 *  rules, Entra authentication and tags it does not. A call each, since a server takes one change at a time; each looks at what there is. Source:
 *  Azure's pages on restoring and on high availability. */
import type { Server, ServerForPatch } from '@azure/arm-postgresql-flexible'
import { failure } from '../../contracts/failures'
import type { ConfigurationPart, InstanceConfiguration } from '../../contracts/instance-configuration'
import { assertKind, changesTo, combined, headOf, isActing, named, plainTags, type Setters } from '../configuration'
import { networksOver } from '../networks'
import { assertRunning, PROTECTED_TAG } from '../owner'
import type { CallOptions, ChangeOptions, ConfigurationProgress, ManagedPostgres } from '../port'
import type { Azure } from './client'
import { alignOverrides, overridesOf } from './configurations'
import { serverDescription } from './describe'
import { alignFirewall, standingRules } from './firewall'
import { requireServer, requireVery, skuOf, tagsOf } from './servers'
import { underWay } from './under-way'

type Parts = Omit<InstanceConfiguration, 'version' | 'kind' | 'instance' | 'instanceId' | 'capturedAt' | 'parameters' | 'network'>

export async function describeConfiguration(azure: Azure, name: string, options: CallOptions): Promise<InstanceConfiguration> {
  const server = await requireServer(azure, name, options)
  const rules = await standingRules(azure, name, options)
  return {
    ...headOf('flexible-server', serverDescription(server)),
    parameters: { group: null, clusterGroup: null, values: await overridesOf(azure, name, options) },
    ...partsOf(server),
    network: { ...networkOf(server), rules: [...new Set(rules.flatMap(networksOver))].sort() },
    notCarried: [...notCarried(server), ...named('Entra administrators', await administrators(azure, server, options))],
  }
}

function networkOf({ network }: Server): InstanceConfiguration['network'] {
  // require_secure_transport is a parameter
  return { rules: [], publicAddress: isPublic(network), tls: null }
}

function isPublic(network: Server['network']): boolean {
  return network?.delegatedSubnetResourceId === undefined && network?.publicNetworkAccess !== 'Disabled'
}

function partsOf(server: Server): Parts {
  const { sku, storage, backup, highAvailability, authConfig } = server
  const { mode, standbyAvailabilityZone } = highAvailability ?? {}
  const tags = tagsOf(server)
  return {
    capacity: {
      instanceClass: sku?.name ?? '',
      storageGib: storage?.storageSizeGB ?? 0,
      growsToGib: serverDescription(server).growsToGib,
      storageType: storage?.type ?? null,
      iops: storage?.iops ?? null,
      throughputMib: storage?.throughput ?? null,
    },
    availability: {
      standby: mode === 'ZoneRedundant' ? 'other-zone' : mode === 'SameZone' ? 'same-zone' : 'none',
      standbyZone: mode === 'ZoneRedundant' ? (standbyAvailabilityZone ?? null) : null,
    },
    backups: {
      keptDays: backup?.backupRetentionDays ?? null,
      keptCount: null,
      logDays: backup?.backupRetentionDays ?? null,
      // Azure chooses when
      window: null,
      location: backup?.geoRedundantBackup === 'Enabled' ? 'paired region too' : null,
      tagged: null,
      outliveInstance: null,
    },
    maintenance: { window: windowOf(server), minorUpgrades: null, denied: [] },
    // parameters, and diagnostic settings of Azure Monitor
    monitoring: { intervalSeconds: null, role: null, insightsDays: null, insights: null, logs: [] },
    access: {
      identities: authConfig?.activeDirectoryAuth === 'Enabled',
      passwords: authConfig?.passwordAuth !== 'Disabled',
      tenant: authConfig?.activeDirectoryAuth === 'Enabled' ? authConfig.tenantId || null : null,
      certificate: null,
    },
    tags: plainTags(tags),
    protection: { deletion: null, tag: tags[PROTECTED_TAG] ?? null },
    notCarried: notCarried(server),
  }
}

/** As `0 23:05`: the day of the week, Sunday first, and the time. */
function windowOf({ maintenanceWindow: window }: Server): string | null {
  if (window?.customWindow !== 'Enabled') return null
  const [hour, minute] = [window.startHour ?? 0, window.startMinute ?? 0].map((number) => String(number).padStart(2, '0'))
  return `${window.dayOfWeek ?? 0} ${hour}:${minute}`
}

function notCarried({ identity, privateEndpointConnections, dataEncryption }: Server): string[] {
  const keys = dataEncryption?.type === 'AzureKeyVault' ? [dataEncryption.primaryKeyURI] : []
  return [
    'alarms and diagnostic settings (Azure Monitor)',
    'locks (Resource Manager)',
    'long-term backups',
    'read replicas and virtual endpoints',
    'names of its firewall rules, and the rules as ranges: they become networks of the same addresses',
    'threat protection',
    ...named(
      'private endpoints',
      (privateEndpointConnections ?? []).map(({ name }) => name),
    ),
    ...named('managed identities', Object.keys(identity?.userAssignedIdentities ?? {})),
    ...named('customer-managed keys', keys),
  ]
}

/** Who has the right to name them could make himself one. */
async function administrators(azure: Azure, { name = '', authConfig }: Server, options: CallOptions): Promise<string[]> {
  if (authConfig?.activeDirectoryAuth !== 'Enabled') return []
  return azure.ask('AdministratorsMicrosoftEntra_ListByServer', options, async (sdk, request) => {
    const found: string[] = []
    for await (const one of sdk.administratorsMicrosoftEntra.listByServer(azure.groupOf(name), name, request)) {
      found.push(one.principalName ?? one.objectId ?? '')
    }
    return found
  })
}

const SETTERS: Setters<ServerForPatch> = {
  'capacity.instanceClass': ({ capacity }) => ({ sku: skuOf(capacity.instanceClass) }),
  // storage never shrinks, and its kind is for good
  'capacity.storageGib': ({ capacity: { storageGib } }, standing) =>
    storageGib !== null && storageGib > (standing.capacity.storageGib ?? 0) ? { storage: { storageSizeGB: storageGib } } : null,
  'capacity.growsToGib': ({ capacity }) => ({ storage: { autoGrow: capacity.growsToGib === null ? 'Disabled' : 'Enabled' } }),
  'availability.standby': ({ availability }) => standbyFor(availability),
  'availability.standbyZone': ({ availability }) => (availability.standbyZone === null ? null : standbyFor(availability)),
  'backups.keptDays': ({ backups: { keptDays } }) => (keptDays === null ? null : { backup: { backupRetentionDays: keptDays } }),
  'backups.logDays': () => ({}),
  'maintenance.window': ({ maintenance: { window } }) => ({ maintenanceWindow: windowFor(window) }),
  'access.identities': ({ access }) => authenticationFor(access),
  'access.passwords': ({ access }) => authenticationFor(access),
  'access.tenant': ({ access }) => (access.tenant === null ? null : authenticationFor(access)),
  'network.publicAddress': ({ network }) => ({
    network: { publicNetworkAccess: network.publicAddress ? 'Enabled' : 'Disabled' },
  }),
  tags: ({ tags }) => ({ tags: { ...tags } }),
  'protection.tag': ({ protection: { tag } }) => (tag === null ? null : { tags: { [PROTECTED_TAG]: tag } }),
}

function standbyFor({ standby, standbyZone }: InstanceConfiguration['availability']): ServerForPatch {
  if (standby === 'none') return { highAvailability: { mode: 'Disabled' } }
  const mode = standby === 'other-zone' ? 'ZoneRedundant' : 'SameZone'
  return { highAvailability: { mode, ...(standbyZone !== null && { standbyAvailabilityZone: standbyZone }) } }
}

function windowFor(window: string | null): NonNullable<ServerForPatch['maintenanceWindow']> {
  const [, day = '0', hour = '0', minute = '0'] = /^(\d) (\d\d):(\d\d)$/.exec(window ?? '') ?? []
  const at = { dayOfWeek: Number(day), startHour: Number(hour), startMinute: Number(minute) }
  return { customWindow: window === null ? 'Disabled' : 'Enabled', ...at }
}

function authenticationFor({ identities, passwords, tenant }: InstanceConfiguration['access']): ServerForPatch {
  return {
    authConfig: {
      activeDirectoryAuth: identities === true ? 'Enabled' : 'Disabled',
      passwordAuth: passwords === false ? 'Disabled' : 'Enabled',
      ...(tenant !== null && { tenantId: tenant }),
    },
  }
}

export async function applyConfiguration(
  azure: Azure,
  { instance, configuration: wanted, parts }: Parameters<ManagedPostgres['applyConfiguration']>[0],
  options: ChangeOptions,
): Promise<ConfigurationProgress> {
  const found = await requireVery(azure, instance, options)
  assertKind(wanted, 'flexible-server')
  const description = serverDescription(found)
  assertRunning(description)
  const standing = { ...wanted, ...partsOf(found), network: networkOf(found) }
  const told = (one: readonly ConfigurationPart[]) => changesTo(SETTERS, { wanted, standing, parts: one })
  const { notCarried } = told(parts)
  const unfinished = { done: false, restartNeeded: false, notCarried }
  const begun = `${instance.name}/settings`
  if (description.state !== 'ready' || (await isChanging(azure, begun, options))) return unfinished
  for (const part of parts) {
    const change = combined(told([part]).changes)
    if (Object.keys(change).length === 0) continue
    underWay(azure, begun, await patch(azure, found, change, options))
    return unfinished
  }
  return { ...(await applyChildren(azure, { server: instance.name, wanted, parts }, options)), notCarried }
}

/** As far as this process began it. @throws CLOUD_REFUSED for what Azure accepted and then did not do: the server does not show it, and it would be asked
 *  for again and again. */
async function isChanging(azure: Azure, what: string, options: CallOptions): Promise<boolean> {
  const operation = azure.begun.get(what)
  if (operation === undefined) return false
  const { state, message } = await azure.describeOperation(operation, options)
  if (state === 'running') return true
  azure.begun.delete(what)
  if (state === 'failed') throw failure('CLOUD_REFUSED', `Azure accepted a change (${what}) and did not make it: ${message}`)
  return false
}

/** Tags are replaced as a whole. */
function patch(azure: Azure, found: Server, change: ServerForPatch, options: ChangeOptions) {
  const { name = '' } = found
  const whole = { ...change, ...(change.tags && { tags: { ...tagsOf(found), ...change.tags } }) }
  return azure.start('Servers_Update', options, (sdk, request) =>
    sdk.servers.beginUpdate(azure.groupOf(name), name, whole, request),
  )
}

/** What are resources of their own: parameters and firewall rules. */
async function applyChildren(
  azure: Azure,
  { server, wanted, parts }: { server: string; wanted: InstanceConfiguration; parts: readonly ConfigurationPart[] },
  options: ChangeOptions,
): Promise<{ done: boolean; restartNeeded: boolean }> {
  const unfinished = { done: false, restartNeeded: false }
  if (parts.includes('network')) {
    if (!(await alignFirewall(azure, { server, networks: wanted.network.rules }, options))) return unfinished
  }
  if (!parts.includes('parameters')) return { done: true, restartNeeded: false }
  return alignOverrides(azure, { server, values: wanted.parameters.values, which: (name) => !isActing(name) }, options)
}

export async function endInertness(
  azure: Azure,
  { instance, configuration }: Parameters<ManagedPostgres['endInertness']>[0],
  options: ChangeOptions,
): Promise<{ done: boolean; restartNeeded: boolean }> {
  const description = serverDescription(await requireVery(azure, instance, options))
  assertKind(configuration, 'flexible-server')
  assertRunning(description)
  if (description.state !== 'ready') return { done: false, restartNeeded: false }
  const { values } = configuration.parameters
  return alignOverrides(azure, { server: instance.name, values, which: isActing }, options)
}
