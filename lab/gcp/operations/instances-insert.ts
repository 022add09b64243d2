/** instances.insert: a new server, made in the background; a replica when the request names whom it follows. */
import { scramVerifier } from '../../postgres/verifier'
import { type Operation, parseVersion, promise, textOf } from '../cloud'
import { invalid } from '../errors'
import { merged } from '../merge'
import { parsePassword, parseRegion } from '../names'
import { checkSettings, settingsGiven, withDefaults } from '../settings'
import { operationView } from '../views'
import { insertReplica } from './insert-replica'
import { refuseUnsupported } from './instance-body'
import { addInstance, newInstanceName } from './new-instance'

export const insertInstance: Operation = async (call) => {
  const { cloud, body } = call
  if (textOf(body.masterInstanceName) !== undefined) return await insertReplica(call)
  if (body.replicationCluster !== undefined) throw invalid('A new instance has no replicas yet')
  const version = parseVersion(cloud, textOf(body.databaseVersion))
  const catalogue = await cloud.catalogue(version.major)
  refuseUnsupported(body)
  const name = newInstanceName(call)
  const region = parseRegion(textOf(body.region) ?? 'us-central1')
  const given = merged('Settings', {}, settingsGiven(body.settings))
  const settings = withDefaults(given, version.major)
  checkSettings(settings, catalogue)
  const password = textOf(body.rootPassword)
  const verifier = password === undefined ? null : scramVerifier(parsePassword(password))
  const instance = addInstance(call, { ...version, name, region, settings })
  const operation = await promise(call, instance, { type: 'CREATE' }, { kind: 'create', verifier })
  return operationView(operation, call.prefix)
}
