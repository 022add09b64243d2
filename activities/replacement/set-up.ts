/** The copy becomes as the instance was: set up, let act, handed over. Every call looks, does what is missing, and is asked again until it is done. */
import { differences } from '../../clouds/configuration'
import { EXPIRES_TAG, OPERATION_TAG, REPLACED_BY_TAG, STEP_TAG, TOOK_OVER_TAG } from '../../clouds/owner'
import type { InstanceRef, ManagedPostgres } from '../../clouds/port'
import { Failure, failure } from '../../contracts/failures'
import type { InstanceAddress } from '../../contracts/migrate'
import { REPLACE_DOCUMENTS } from '../../contracts/replace'
import { changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { recordRemoval } from '../resources'
import { atOurPace, notReadyYet } from '../waiting'
import type { ReplacementActivities } from './contract'
import { capturedConfiguration } from './plan'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf' | 'resolveSecret'>

/** About eight minutes: a cloud may show a change a while after it took it. */
const DIFFERING_LOOKS_MAX = 60

/** About eight minutes as well: one that is down for good may never take the mark. */
const MARKING_LOOKS_MAX = 60

export function setUpActivities({
  ledger,
  cloudOf,
  resolveSecret,
}: Deps): Pick<
  ReplacementActivities,
  'applySetUp' | 'letAct' | 'restartReplacement' | 'proveSetUp' | 'resetMaster' | 'recordTakeover' | 'handOver'
> {
  const cloudFor = async (bundle: string) => cloudOf((await ledger.getBundle(bundle)).database)
  return {
    async applySetUp({ operation, bundle, copy, parts }) {
      const cloud = await cloudFor(bundle)
      const configuration = await capturedConfiguration(ledger, operation)
      const instance = refOf(copy)
      const asked = await atOurPace(cloud.applyConfiguration({ instance, configuration, parts }, changing()))
      if (!asked.done) throw notReadyYet(`Instance ${copy.instance}`, 'still being set up')
      return { restartNeeded: asked.restartNeeded, notCarried: asked.notCarried }
    },
    async letAct({ operation, bundle, copy }) {
      const cloud = await cloudFor(bundle)
      const configuration = await capturedConfiguration(ledger, operation)
      const asked = await atOurPace(cloud.endInertness({ instance: refOf(copy), configuration }, changing()))
      if (!asked.done) throw notReadyYet(`Instance ${copy.instance}`, 'not yet as it has to be to act')
      return { restartNeeded: asked.restartNeeded }
    },
    async restartReplacement({ bundle, copy }) {
      const cloud = await cloudFor(bundle)
      await atOurPace(cloud.startRestart({ instance: refOf(copy) }, changing()))
    },
    async proveSetUp({ operation, bundle, copy, parts, inert }) {
      const cloud = await cloudFor(bundle)
      const captured = await capturedConfiguration(ledger, operation)
      const { signal } = currentAct()
      const found = await cloud.describeConfiguration({ name: copy.instance }, { signal })
      // what the cloud cannot be told it names itself
      const { notCarried } = await cloud.applyConfiguration({ instance: refOf(copy), configuration: captured, parts }, changing())
      const left = differences(captured, found, parts).filter(
        ({ keepsInert, message, part, wanted }) =>
          !(inert && keepsInert) && !notCarried.includes(message) && !(part === 'tags' && wanted === null),
      )
      if (left.length === 0) return
      const said = left.map(({ message }) => message).join('; ')
      if (currentAct().attempt < DIFFERING_LOOKS_MAX) throw notReadyYet(`Instance ${copy.instance}`, `set up otherwise: ${said}`)
      const wanted =
        copy.instanceId === captured.instanceId ? 'it was when it was planned' : 'the instance whose place it is to take'
      const message = `Instance ${copy.instance} is still set up otherwise than ${wanted}: ${said}.`
      throw failure('RESOURCE_FAILED', message, { instance: copy.instance, settings: left.length })
    },
    async resetMaster({ operation, bundle, copy }) {
      const { database } = await ledger.getBundle(bundle)
      const password = await resolveSecret(database.connections.admin.secret)
      await cloudOf(database).startPasswordReset({ instance: copy.instance, password, operation }, changing())
    },
    async recordTakeover({ operation, copy }) {
      const document = { version: 1, instance: copy.instance, instanceId: copy.instanceId }
      await ledger.putDocumentOnce({ operation, name: REPLACE_DOCUMENTS.tookOver, document })
    },
    async handOver({ operation, bundle, copy, instance, instanceId }) {
      const cloud = await cloudFor(bundle)
      const set = { [TOOK_OVER_TAG]: operation }
      const remove = [OPERATION_TAG, STEP_TAG, EXPIRES_TAG]
      const { done } = await atOurPace(cloud.setTags({ instance: refOf(copy), set, remove }, changing()))
      if (!done) throw notReadyYet(`Instance ${copy.instance}`, 'still marked as a copy')
      // It is nobody's copy any more: what the operation made it has given away.
      await recordRemoval(ledger, { operation, kind: 'instance', name: copy.instance })
      return { unmarked: await markReplaced(cloud, { name: instance, instanceId }, copy) }
    },
  }
}

export function refOf({ instance, instanceId }: InstanceAddress): InstanceRef {
  return { name: instance, instanceId }
}

/** By the mark every operation that still names the old instance is refused. One that is gone, or that cannot be marked, is no reason to stop. */
async function markReplaced(cloud: ManagedPostgres, old: InstanceRef, copy: InstanceAddress): Promise<string | null> {
  const set = { [REPLACED_BY_TAG]: copy.instance }
  const enough = currentAct().attempt >= MARKING_LOOKS_MAX
  try {
    const { done } = await atOurPace(cloud.setTags({ instance: old, set, remove: [] }, changing()))
    if (done) return null
  } catch (error) {
    if (error instanceof Failure && (error.kind === 'refused' || (enough && error.kind === 'transient'))) return error.message
    throw error
  }
  if (enough) return 'its cloud took the mark and does not show it yet.'
  throw notReadyYet(`Instance ${old.name}`, 'not yet marked as replaced')
}
