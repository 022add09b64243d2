/** instances.insert of a read replica: it streams what its primary writes, and can be read. What the request does not say of machine, disk and
 *  flags is as the primary's. */
import { type Call, findInstance, promise, replicasOf, requireIdle, requireRunning, textOf } from '../cloud'
import { GcpError, invalid } from '../errors'
import { merged } from '../merge'
import { parseRegion } from '../names'
import type { Message } from '../protocol/json'
import { checkSettings, type Settings, settingsGiven, withDefaults } from '../settings'
import { PROJECT, type SqlInstance } from '../state'
import { operationView } from '../views'
import { refuseUnsupported } from './instance-body'
import { addInstance, newInstanceName } from './new-instance'

const REPLICAS_MAX = 10

export async function insertReplica(call: Call): Promise<Message> {
  const { cloud, body, prefix } = call
  const primary = findPrimary(call)
  const catalogue = await cloud.catalogue(primary.major)
  refuseUnsupported(body)
  const version = textOf(body.databaseVersion)
  if (version !== undefined && version !== `POSTGRES_${primary.major}`) {
    throw invalid(`The version of a replica must be that of its primary, POSTGRES_${primary.major}`)
  }
  const name = newInstanceName(call)
  const region = parseRegion(textOf(body.region) ?? primary.region)
  const settings = settingsOf(body, primary)
  checkSettings(settings, catalogue)
  checkAsReplica(settings, primary)
  requireIdle(call, primary)
  requireRunning(call, primary)
  if (replicasOf(cloud, primary).length >= REPLICAS_MAX)
    throw new GcpError('quotaExceeded', `An instance has at most ${REPLICAS_MAX} replicas.`)
  const { major, engineVersion } = primary
  const instance = addInstance(call, { name, major, engineVersion, region, settings, master: primary.name })
  const promised = { type: 'CREATE_REPLICA', locks: [primary.name] }
  return operationView(await promise(call, instance, promised, { kind: 'create-replica' }), prefix)
}

/** What cannot be seen by the caller is what the caller may not see. */
function findPrimary(call: Call): SqlInstance {
  const name = plainName(textOf(call.body.masterInstanceName) ?? '')
  if (!call.cloud.state.instances[name]) {
    throw new GcpError('notAuthorized', 'The client is not authorized to make this request.')
  }
  return findInstance(call, name)
}

/** Instances are also named together with their project. */
export function plainName(name: string): string {
  return name.startsWith(`${PROJECT}:`) ? name.slice(PROJECT.length + 1) : name
}

function settingsOf(body: Message, primary: SqlInstance): Settings {
  const given = merged('Settings', {}, settingsGiven(body.settings))
  const { tier, edition, dataDiskSizeGb, databaseFlags } = structuredClone(primary.settings)
  const own = { tier, edition, dataDiskSizeGb, databaseFlags, replicationType: 'ASYNCHRONOUS', ...given }
  return withDefaults(own, primary.major)
}

function checkAsReplica(settings: Settings, primary: SqlInstance): void {
  if (settings.backupConfiguration.enabled) throw invalid('Backups cannot be enabled for a replica')
  if (settings.activationPolicy !== 'ALWAYS') throw invalid('A replica cannot be stopped')
  if (BigInt(settings.dataDiskSizeGb) < BigInt(primary.settings.dataDiskSizeGb)) {
    throw invalid('The disk of a replica must be at least as large as that of its primary')
  }
}
