/** What a request wants a server to be: read from a body, checked against what it is. Everything is checked before anything is
 *  changed. Properties that have no effect here (identity, key vault encryption, cluster) are ignored. */
import { invalidParameter } from './errors'
import { parseTags } from './names'
import type { Body } from './protocol/body'
import { DEFAULT_STORAGE_GB, parseSku, STORAGE_TYPES, sized, TIERS } from './sizes'
import type { AuthConfig, HighAvailability, MaintenanceWindow, Network, ServerShape, Sku, Storage, Tier } from './state'

const ON_OFF = ['Enabled', 'Disabled'] as const
const ZONES = ['1', '2', '3']

/** What a new server is unless told otherwise. */
export function defaultShape(sku: Sku): ServerShape {
  return {
    sku,
    storage: sized({ type: 'Premium_LRS', autoGrow: 'Disabled' }, DEFAULT_STORAGE_GB[sku.tier]),
    backup: { retentionDays: 7, geoRedundant: 'Disabled' },
    highAvailability: { mode: 'Disabled', standbyZone: null },
    maintenanceWindow: { customWindow: 'Disabled', dayOfWeek: 0, startHour: 0, startMinute: 0 },
    authConfig: { entra: 'Disabled', password: 'Enabled', tenantId: null },
    network: { publicAccess: 'Enabled', subnetId: null, dnsZoneId: null },
    tags: {},
  }
}

/** @throws AzureError unless there is one. */
export function parseWantedSku(body: Body): Sku {
  return parseSku(body.text('sku.name'), body.choice('sku.tier', TIERS))
}

/** The parts of the shape that the body speaks of, as they would be then. `base`: as they are. `isNew`: nothing is fixed yet. */
export function parseShape(body: Body, base: ServerShape, isNew: boolean): Partial<ServerShape> {
  const sku = parseSkuChange(body, base.sku)
  const highAvailability = parseHighAvailability(body, base.highAvailability, (sku ?? base.sku).tier)
  const change = {
    sku,
    storage: parseStorage(body, base.storage, isNew),
    backup: parseBackup(body, base.backup, isNew),
    highAvailability,
    maintenanceWindow: parseMaintenance(body, base.maintenanceWindow),
    authConfig: parseAuth(body, base.authConfig),
    network: parseNetwork(body, base.network, isNew),
    tags: parseTags(body.record('tags')),
  }
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as Partial<ServerShape>
}

export function parseZone(body: Body): string | undefined {
  const zone = body.text('properties.availabilityZone') || undefined
  if (zone !== undefined && !ZONES.includes(zone)) throw invalidParameter('availabilityZone')
  return zone
}

function parseSkuChange(body: Body, base: Sku): Sku | undefined {
  if (!body.has('sku')) return undefined
  return parseSku(body.text('sku.name') ?? base.name, body.choice('sku.tier', TIERS))
}

function parseStorage(body: Body, base: Storage, isNew: boolean): Storage | undefined {
  if (!body.has('properties.storage')) return undefined
  const type = body.choice('properties.storage.type', STORAGE_TYPES) ?? base.type
  if (!isNew && type !== base.type) throw invalidParameter('storage.type', 'It cannot be changed.')
  const sizeGb = body.integer('properties.storage.storageSizeGB') ?? base.sizeGb
  if (!isNew && sizeGb < base.sizeGb) {
    throw invalidParameter('storageSizeGB', `Storage can only grow: it is ${base.sizeGb} GB.`)
  }
  const autoGrow = body.choice('properties.storage.autoGrow', ON_OFF) ?? base.autoGrow
  const tier = body.text('properties.storage.tier') || (sizeGb === base.sizeGb ? (base.tier ?? undefined) : undefined)
  return sized({ type, autoGrow }, sizeGb, tier)
}

function parseBackup(body: Body, base: ServerShape['backup'], isNew: boolean): ServerShape['backup'] | undefined {
  if (!body.has('properties.backup')) return undefined
  const retentionDays = body.integer('properties.backup.backupRetentionDays') ?? base.retentionDays
  if (retentionDays < 7 || retentionDays > 35) throw invalidParameter('backupRetentionDays', 'Between 7 and 35.')
  const geoRedundant = body.choice('properties.backup.geoRedundantBackup', ON_OFF) ?? base.geoRedundant
  if (!isNew && geoRedundant !== base.geoRedundant) {
    throw invalidParameter('geoRedundantBackup', 'It can only be chosen when a server is created.')
  }
  return { retentionDays, geoRedundant }
}

function parseHighAvailability(body: Body, base: HighAvailability, tier: Tier): HighAvailability | undefined {
  const mode = body.choice('properties.highAvailability.mode', ['Disabled', 'SameZone', 'ZoneRedundant'] as const)
  if ((mode ?? base.mode) !== 'Disabled' && tier === 'Burstable') {
    throw invalidParameter('highAvailability.mode', 'The tier Burstable has none.')
  }
  if (!body.has('properties.highAvailability')) return undefined
  const zone = body.text('properties.highAvailability.standbyAvailabilityZone') || base.standbyZone
  if (zone !== null && !ZONES.includes(zone)) throw invalidParameter('standbyAvailabilityZone')
  return { mode: mode ?? base.mode, standbyZone: (mode ?? base.mode) === 'Disabled' ? null : zone }
}

function parseMaintenance(body: Body, base: MaintenanceWindow): MaintenanceWindow | undefined {
  if (!body.has('properties.maintenanceWindow')) return undefined
  const number = (name: 'dayOfWeek' | 'startHour' | 'startMinute', max: number): number => {
    const value = body.integer(`properties.maintenanceWindow.${name}`) ?? base[name]
    if (value < 0 || value > max) throw invalidParameter(name)
    return value
  }
  return {
    customWindow: body.choice('properties.maintenanceWindow.customWindow', ON_OFF) ?? base.customWindow,
    dayOfWeek: number('dayOfWeek', 6),
    startHour: number('startHour', 23),
    startMinute: number('startMinute', 59),
  }
}

function parseAuth(body: Body, base: AuthConfig): AuthConfig | undefined {
  if (!body.has('properties.authConfig')) return undefined
  const auth = {
    entra: body.choice('properties.authConfig.activeDirectoryAuth', ON_OFF) ?? base.entra,
    password: body.choice('properties.authConfig.passwordAuth', ON_OFF) ?? base.password,
    tenantId: body.text('properties.authConfig.tenantId') || base.tenantId,
  }
  if (auth.entra === 'Disabled' && auth.password === 'Disabled') throw invalidParameter('authConfig')
  return auth
}

function parseNetwork(body: Body, base: Network, isNew: boolean): Network | undefined {
  if (!body.has('properties.network')) return undefined
  const subnetId = body.text('properties.network.delegatedSubnetResourceId') || base.subnetId
  // a server is public or in a virtual network for good
  if (!isNew && subnetId !== base.subnetId) throw invalidParameter('delegatedSubnetResourceId', 'It cannot be changed.')
  const publicAccess = body.choice('properties.network.publicNetworkAccess', ON_OFF) ?? base.publicAccess
  const dnsZoneId = body.text('properties.network.privateDnsZoneArmResourceId') || base.dnsZoneId
  return { publicAccess: subnetId === null ? publicAccess : 'Disabled', subnetId, dnsZoneId }
}
