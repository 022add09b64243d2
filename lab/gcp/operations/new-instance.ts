/** The record of an instance that is to be made, whatever it is made from. */
import type { PostgresMajor } from '../../../pgserver/binaries'
import { type Call, textOf } from '../cloud'
import { GcpError, invalid, missing } from '../errors'
import { parseInstanceName, parseZone } from '../names'
import type { Settings } from '../settings'
import type { SqlInstance } from '../state'

export interface NewInstance {
  readonly name: string
  readonly major: PostgresMajor
  readonly engineVersion: string
  readonly region: string
  readonly settings: Settings
  /** Whom it is to follow. */
  readonly master?: string
}

/** Takes an address for it, and writes it down. @throws GcpError quotaExceeded. */
export function addInstance({ cloud }: Call, { name, major, engineVersion, region, settings, master }: NewInstance): SqlInstance {
  const zone = zoneOf(settings, region)
  const host = cloud.addresses.take()
  if (host === undefined) throw new GcpError('quotaExceeded', 'Every address of this lab is taken.')
  const instance: SqlInstance = {
    name,
    state: 'PENDING_CREATE',
    major,
    engineVersion,
    region,
    zone,
    secondaryZone: secondaryOf(settings, zone, region),
    folder: '',
    host,
    createdAt: new Date().toISOString(),
    madeAt: null,
    settings,
    settingsVersion: 1,
    master: master ?? null,
    drReplica: null,
    tasks: [],
  }
  cloud.state.instances[name] = instance
  return instance
}

/** @throws GcpError required, invalid, instanceAlreadyExists. */
export function newInstanceName({ cloud, project, body }: Call, given = textOf(body.name)): string {
  if (given === undefined) throw missing('name')
  const name = parseInstanceName(given, project)
  if (cloud.state.instances[name]) throw new GcpError('instanceAlreadyExists', 'The Cloud SQL instance already exists.')
  return name
}

/** The one that the settings prefer, or the region's first. @throws GcpError invalid. */
export function zoneOf({ locationPreference }: Settings, region: string): string {
  return locationPreference?.zone === undefined ? `${region}-a` : parseZone(locationPreference.zone, region)
}

/** The one that the settings prefer, or the region's next. @throws GcpError invalid for the primary's own. */
function secondaryOf({ locationPreference }: Settings, zone: string, region: string): string {
  const wanted = locationPreference?.secondaryZone
  if (wanted === undefined) return zone === `${region}-b` ? `${region}-c` : `${region}-b`
  if (parseZone(wanted, region) === zone) throw invalid('The secondary zone must not be the primary one')
  return wanted
}
