/** What the source's own cloud is asked and told. It is the whole instance that is closed: no cloud closes one database. */
import type { InstanceDescription, InstanceRef, ManagedPostgres } from '../../clouds/port'
import { FAILOVER_DOCUMENTS, type SourceSeen } from '../../contracts/failover'
import { Failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { OperationId } from '../../contracts/operation'
import { changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { knownAddress } from '../instance/address'
import { copySettings } from '../instance/copy-request'
import { rememberOnce } from '../remember'
import { findTarget } from '../target'
import { atOurPace, notReadyYet } from '../waiting'
import type { SourceClosing, SourceCloudActivities } from './contract'
import { assertNotOpened } from './pair'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>

/** The ledger's `failover-before`. */
interface Before {
  readonly version: 1
  readonly instanceId: string
  readonly rules: readonly string[]
  /** It ran, or was about to. */
  readonly ran: boolean
}

export function createSourceCloudActivities(deps: Deps): SourceCloudActivities {
  return {
    lookAtSource: ({ bundle }) => lookAtSource(deps, bundle),
    closeSource: (input) => closeSource(deps, input),
    reopenSource: (input) => reopenSource(deps, input),
  }
}

async function lookAtSource({ ledger, cloudOf }: Deps, bundle: string): Promise<SourceSeen> {
  const { database } = await ledger.getBundle(bundle)
  try {
    const found = await findTarget(cloudOf, database, { signal: currentAct().signal })
    return { address: knownAddress(found), gone: false, said: `its cloud says ${found.cloudState}` }
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'INSTANCE_NOT_FOUND') throw error
    return { address: null, gone: true, said: 'its cloud has no such instance' }
  }
}

const GONE: SourceClosing = { gone: true, stopped: false, shut: true, done: ['its cloud has no such instance any more'] }

async function closeSource(
  deps: Deps,
  { operation, bundle, instanceId }: Parameters<SourceCloudActivities['closeSource']>[0],
): Promise<SourceClosing> {
  const { ledger, cloudOf } = deps
  const { database } = await ledger.getBundle(bundle)
  const cloud = cloudOf(database)
  const { signal } = currentAct()
  const found = await veryInstance(cloud, database, instanceId)
  if (found === null) return GONE
  await rememberOnce(ledger, { operation, name: FAILOVER_DOCUMENTS.before }, async (): Promise<Before> => {
    const { network } = await cloud.describeConfiguration({ name: database.instance }, { signal })
    return { version: 1, instanceId, rules: network.rules, ran: found.state !== 'stopped' }
  })
  const instance = { name: found.name, instanceId }
  const networks = await closeNetworks(cloud, database, instance)
  if (found.state !== 'stopped') {
    await atOurPace(cloud.startStop({ instance }, changing()))
    const now = await veryInstance(cloud, database, instanceId)
    if (now === null) return GONE
    if (now.state !== 'stopped') throw notReadyYet(`Instance ${instance.name}`, now.cloudState)
  }
  return { gone: false, stopped: true, shut: networks.shut, done: [networks.said, 'its server is stopped, its cloud says'] }
}

/** Null: it is gone, or another one bears its name. */
async function veryInstance(
  cloud: ManagedPostgres,
  { instance: name }: DatabaseEntry,
  instanceId: string,
): Promise<InstanceDescription | null> {
  const found = await cloud.describeInstance({ name }, { signal: currentAct().signal })
  return found?.instanceId === instanceId ? found : null
}

/** Stopping is what counts: a cloud that does not take rules for one that is ill, or stopped, is told and passed over. It is asked again with each look. */
async function closeNetworks(
  cloud: ManagedPostgres,
  entry: DatabaseEntry,
  instance: InstanceRef,
): Promise<{ shut: boolean; said: string }> {
  const { networkRules } = copySettings(entry, cloud.capabilities, 'fromSnapshot')
  try {
    const { done } = await cloud.setNetworkRules({ instance, networkRules }, changing())
    return { shut: done, said: `its networks ${done ? '' : 'are about to '}let in the control plane alone` }
  } catch (error) {
    if (!(error instanceof Failure) || ['HEARTBEAT_GAP', 'TARGET_MISMATCH'].includes(error.code)) throw error
    return { shut: false, said: `its networks were not closed (${error.message})` }
  }
}

async function reopenSource(
  deps: Deps,
  { operation, bundle, instanceId }: Parameters<SourceCloudActivities['reopenSource']>[0],
): Promise<{ summary: string }> {
  const { ledger, cloudOf } = deps
  await assertNotOpened(deps, operation)
  const before = await beforeOf(ledger, operation)
  if (before === null) return { summary: 'its cloud was told nothing' }
  const { database } = await ledger.getBundle(bundle)
  const cloud = cloudOf(database)
  const found = await veryInstance(cloud, database, instanceId)
  if (found === null) return { summary: 'it is gone, and nothing is put back' }
  const instance = { name: found.name, instanceId }
  if (before.ran && found.state !== 'ready') {
    await atOurPace(cloud.startStart({ instance }, changing()))
    const now = await veryInstance(cloud, database, instanceId)
    if (now !== null && now.state !== 'ready') throw notReadyYet(`Instance ${instance.name}`, now.cloudState)
  }
  await assertNotOpened(deps, operation)
  const { done } = await atOurPace(cloud.setNetworkRules({ instance, networkRules: before.rules }, changing()))
  if (!done) throw notReadyYet(`Instance ${instance.name}`, 'still changing whom its networks let in')
  return { summary: `${instance.name} runs and lets in whom it let in` }
}

async function beforeOf(ledger: Deps['ledger'], operation: OperationId): Promise<Before | null> {
  return (await ledger.getDocument({ operation, name: FAILOVER_DOCUMENTS.before })) as Before | null
}
