/** instances.insert: a new server, made in the background. */
import { scramVerifier } from '../../postgres/verifier'
import { type Call, type Operation, parseVersion, promise, textOf } from '../cloud'
import { GcpError, missing } from '../errors'
import { merged, messageOf } from '../merge'
import { parseInstanceName, parsePassword, parseRegion, parseZone } from '../names'
import { checkSettings, type Settings, withDefaults } from '../settings'
import type { SqlInstance } from '../state'
import { operationView } from '../views'
import { refuseUnsupported } from './instance-body'

export const insertInstance: Operation = async (call) => {
  const { cloud, body } = call
  const version = parseVersion(cloud, textOf(body.databaseVersion))
  const catalogue = await cloud.catalogue(version.major)
  refuseUnsupported(body)
  const name = newInstanceName(call)
  const region = parseRegion(textOf(body.region) ?? 'us-central1')
  const { settingsVersion: _, ...given } = merged('Settings', {}, messageOf(body.settings))
  const settings = withDefaults(given, version.major)
  checkSettings(settings, catalogue)
  const password = textOf(body.rootPassword)
  const verifier = password === undefined ? null : scramVerifier(parsePassword(password))
  const instance: SqlInstance = {
    ...version,
    name,
    state: 'PENDING_CREATE',
    region,
    zone: zoneOf(settings, region),
    folder: '',
    host: takeHost(call),
    createdAt: new Date().toISOString(),
    madeAt: null,
    settings,
    settingsVersion: 1,
    tasks: [],
  }
  cloud.state.instances[name] = instance
  const operation = await promise(call, instance, { type: 'CREATE' }, { kind: 'create', verifier })
  return operationView(operation, call.prefix)
}

/** @throws GcpError required, invalid, instanceAlreadyExists. */
export function newInstanceName({ cloud, project, body }: Call, given = textOf(body.name)): string {
  if (given === undefined) throw missing('name')
  const name = parseInstanceName(given, project)
  if (cloud.state.instances[name]) throw new GcpError('instanceAlreadyExists', 'The Cloud SQL instance already exists.')
  return name
}

export function takeHost({ cloud }: Call): number {
  const host = cloud.addresses.take()
  if (host === undefined) throw new GcpError('quotaExceeded', 'Every address of this lab is taken.')
  return host
}

export function zoneOf({ locationPreference }: Settings, region: string): string {
  return locationPreference?.zone === undefined ? `${region}-a` : parseZone(locationPreference.zone, region)
}
