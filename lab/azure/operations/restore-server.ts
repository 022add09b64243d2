/** Servers_CreateOrUpdate with PointInTimeRestore or GeoRestore: always a new server. What the source had of firewall rules, high
 *  availability, Entra administrators and tags is not there; sizes, configurations, administrator and password are the source's. */
import { type Call, isSwapped, type Operation, sourceOf } from '../cloud'
import { AzureError, busy, invalidParameter } from '../errors'
import { type Location, pairOf } from '../locations'
import { parseShape, parseZone } from '../shape'
import type { AzureServer } from '../state'
import { windowOf } from '../window'
import { addServer } from './new-server'

export async function restoreServer(call: Call, name: string, location: Location): ReturnType<Operation> {
  const { body } = call
  const source = sourceOf(call)
  if (isSwapped(call.cloud.state, source)) throw busy(source.name)
  const geo = body.text('properties.createMode')?.toLowerCase() === 'georestore'
  if (geo) requireGeo(source, location)
  else if (location !== source.location) {
    throw invalidParameter('location', `A server is restored where its source is: ${source.location}.`)
  }
  const pointInTime = parsePoint(call, source, geo)
  const base = {
    ...shapeOf(source),
    highAvailability: { mode: 'Disabled', standbyZone: null } as const,
    authConfig: { entra: 'Disabled', password: 'Enabled', tenantId: null } as const,
    tags: {},
  }
  const change = parseShape(body, base, true)
  const network = change.network ?? base.network
  if ((network.subnetId === null) !== (source.network.subnetId === null)) {
    throw invalidParameter('delegatedSubnetResourceId', 'A restored server is public if its source is, and private if that is.')
  }
  if (change.storage && change.storage.sizeGb < source.storage.sizeGb) {
    throw invalidParameter('storageSizeGB', `The source has ${source.storage.sizeGb} GB.`)
  }
  const { major, engineVersion, login, configurations, databases } = source
  return addServer(
    call,
    {
      ...base,
      ...change,
      ...structuredClone({ major, engineVersion, login, configurations, databases }),
      name,
      location,
      zone: parseZone(body) ?? source.zone,
    },
    { kind: 'restore', source: source.name, pointInTime },
  )
}

function requireGeo(source: AzureServer, location: Location): void {
  if (source.backup.geoRedundant === 'Disabled') {
    throw new AzureError('OperationNotAllowed', `Server '${source.name}' has no geo-redundant backups.`)
  }
  if (location === pairOf(source.location)) return
  throw invalidParameter('location', `Backups of ${source.location} are in ${pairOf(source.location)}.`)
}

/** Null: the latest there is. @throws AzureError for a moment outside of what is kept. */
function parsePoint({ body }: Call, source: AzureServer, geo: boolean): string | null {
  const text = body.text('properties.pointInTimeUTC')
  const window = windowOf(source)
  if (!window) throw invalidParameter('pointInTimeUTC', `Server '${source.name}' has no backup yet.`)
  if (text === undefined && geo) return null
  const at = text !== undefined && /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) throw invalidParameter('pointInTimeUTC')
  if (at >= Date.parse(window.earliest) && at <= Date.now()) return new Date(at).toISOString()
  // a client asks for now, by its own clock
  if (geo) return null
  throw invalidParameter('pointInTimeUTC', `Server '${source.name}' can be restored from ${window.earliest} until now.`)
}

function shapeOf({ sku, storage, backup, maintenanceWindow, network }: AzureServer) {
  return structuredClone({ sku, storage, backup, maintenanceWindow, network })
}
