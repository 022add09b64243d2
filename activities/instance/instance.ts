/** Temporary instances: the inert canary of an operation. */
import type { InstanceDescription } from '../../clouds/port'
import { failure } from '../../contracts/failures'
import type { InstanceAddress } from '../../contracts/migrate'
import { temporaryName } from '../../contracts/operation'
import { changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { recordRemoval } from '../resources'
import { findTarget } from '../target'
import { notListed, notReadyYet } from '../waiting'
import { canaryPassword } from './canary-password'
import type { InstanceActivities } from './contract'

function addressOf(found: InstanceDescription): InstanceAddress {
  const { name: instance, instanceId, endpoint, engineVersion, state, cloudState } = found
  if (state === 'changing') throw notReadyYet(`Instance ${instance}`, cloudState)
  if (state !== 'ready' || endpoint === null) {
    throw failure('RESOURCE_FAILED', `Instance ${instance} is ${cloudState} and will not become available.`, {
      instance,
      cloudState,
    })
  }
  return { instance, instanceId, ...endpoint, engineVersion }
}

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf' | 'secretKey'>

export function createInstanceActivities({ ledger, cloudOf, secretKey }: Deps): InstanceActivities {
  return {
    async describeTarget({ bundle }) {
      const { database } = await ledger.getBundle(bundle)
      return addressOf(await findTarget(cloudOf, database, { signal: currentAct().signal }))
    },
    async startCanary({ operation, step, bundle, snapshot }) {
      const { database } = await ledger.getBundle(bundle)
      const instance = temporaryName(operation, step)
      const { securityGroups, instanceClass } = database.canary
      const owner = { operation, step, expiresAt: null }
      const options = changing()
      const createdAt = new Date().toISOString()
      await ledger.recordResource({
        operation,
        cloud: database.cloud,
        kind: 'instance',
        name: instance,
        createdAt,
        expiresAt: null,
        removedAt: null,
      })
      await cloudOf(database).startInertRestore(
        { source: database.instance, snapshot, instance, networkRules: securityGroups, instanceClass, owner },
        options,
      )
      return { instance }
    },
    async awaitInstance({ bundle, instance }) {
      const { database } = await ledger.getBundle(bundle)
      const found = await cloudOf(database).describeInstance({ name: instance }, { signal: currentAct().signal })
      if (found === null) throw notListed(`Instance ${instance}`)
      return addressOf(found)
    },
    async startTakeover({ operation, bundle, instance }) {
      const { database } = await ledger.getBundle(bundle)
      const password = canaryPassword(secretKey, operation)
      await cloudOf(database).startPasswordReset({ instance, password, operation }, changing())
    },
    async startCanaryRemoval({ operation, bundle }) {
      const { database } = await ledger.getBundle(bundle)
      const { removing } = await cloudOf(database).removeOwnedInstances({ operation }, changing())
      return { removing }
    },
    async awaitCanaryRemoval({ operation, bundle }) {
      const { database } = await ledger.getBundle(bundle)
      // Asks for the removal again each time: an instance that was still being made when it was first asked refused.
      const { done, removing } = await cloudOf(database).removeOwnedInstances({ operation }, changing())
      if (!done) throw notReadyYet(`Instance ${removing.join(', ')}`, 'being removed')
      await recordRemoval(ledger, { operation, kind: 'instance' })
    },
  }
}
