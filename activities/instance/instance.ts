/** Temporary instances: the inert canary of an operation. */
import { placeOfCopies, regionOfCopies } from '../../contracts/copies-place'
import { type OperationId, type Sha256, temporaryName } from '../../contracts/operation'
import { canaryPassword } from '../../postgres/connect/canary-password'
import { changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { recordRemoval } from '../resources'
import { findTarget } from '../target'
import { assertStillACopy } from '../took-over'
import { traitsOf } from '../traits'
import { atOurPace, notListed, notReadyYet } from '../waiting'
import { addressOf } from './address'
import type { InstanceActivities } from './contract'
import { copySettings } from './copy-request'
import { rememberSeen, unseenInstance } from './seen'

/** About eight seconds: what was begun and not seen yet is looked for again. */
const UNSEEN_LOOKS = 10

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf' | 'secretKey'>

export function createInstanceActivities({ ledger, cloudOf, secretKey }: Deps): InstanceActivities {
  const startCopy: InstanceActivities['startCopy'] = async ({ operation, step, bundle, point, expiresAt }) => {
    await assertStillACopy(ledger, operation, 'nothing is restored under its name')
    const bundled = await ledger.getBundle(bundle)
    const database = placeOfCopies(bundled)
    const cloud = cloudOf(database)
    const instance = temporaryName(operation, step)
    const options = changing()
    await ledger.recordResource({
      operation,
      cloud: database.cloud,
      kind: 'instance',
      name: instance,
      createdAt: new Date().toISOString(),
      expiresAt,
      removedAt: null,
    })
    const owner = { operation, step, expiresAt }
    const settings = copySettings(database, cloud.capabilities, point.kind === 'snapshot' ? 'fromSnapshot' : 'toTime')
    const request = { source: database.instance, instance, ...settings, owner }
    const sourceGone = (point.kind === 'snapshot' && point.deleted === true) || regionOfCopies(bundled) !== null
    await atOurPace(
      point.kind === 'snapshot'
        ? cloud.startInertRestore({ ...request, snapshot: point.snapshot, ...(sourceGone && { sourceGone }) }, options)
        : cloud.startRestoreToTime({ ...request, at: point.at }, options),
    )
    return { instance }
  }
  const cloudOfCopies = async (bundle: Sha256) => cloudOf(placeOfCopies(await ledger.getBundle(bundle)))
  const remove = async (operation: OperationId, bundle: Sha256) => {
    const cloud = await cloudOfCopies(bundle)
    await assertStillACopy(ledger, operation, 'nothing of it is removed')
    const asked = await cloud.removeOwnedInstances({ operation }, changing())
    for (const name of asked.removing) await rememberSeen(ledger, operation, name)
    return asked
  }
  return {
    async describeTarget({ bundle }) {
      const { database } = await ledger.getBundle(bundle)
      const found = await findTarget(cloudOf, database, { signal: currentAct().signal })
      return { ...addressOf(found), ...traitsOf(found, cloudOf(database).capabilities) }
    },
    startCanary({ snapshot, ...ref }) {
      return startCopy({ ...ref, point: { kind: 'snapshot', snapshot }, expiresAt: null })
    },
    startCopy,
    async awaitInstance({ operation, bundle, instance }) {
      const cloud = await cloudOfCopies(bundle)
      const found = await cloud.describeInstance({ name: instance }, { signal: currentAct().signal })
      if (found === null) throw notListed(`Instance ${instance}`)
      await rememberSeen(ledger, operation, instance)
      return addressOf(found)
    },
    async startTakeover({ operation, bundle, instance }) {
      await assertStillACopy(ledger, operation, 'its master keeps its password')
      const cloud = await cloudOfCopies(bundle)
      const password = canaryPassword(secretKey, operation)
      await cloud.startPasswordReset({ instance, password, operation }, changing())
    },
    async startCanaryRemoval({ operation, bundle }) {
      const { removing } = await remove(operation, bundle)
      return { removing }
    },
    async awaitCanaryRemoval({ operation, bundle }) {
      // Asks for the removal again each time: an instance that was still being made when it was first asked refused.
      const { done, removing } = await remove(operation, bundle)
      if (!done) throw notReadyYet(`Instance ${removing.join(', ')}`, 'being removed')
      const unseen = currentAct().attempt < UNSEEN_LOOKS ? await unseenInstance(ledger, operation) : null
      if (unseen !== null) throw notReadyYet(`Instance ${unseen}`, 'not listed')
      await recordRemoval(ledger, { operation, kind: 'instance' })
    },
  }
}
