/** Temporary instances that nobody cares for any more: of an operation that is over, kept for no time or one that has passed. */
import { isTemporaryOf, ownerOf } from '../../clouds/owner'
import type { InstanceDescription, ManagedPostgres } from '../../clouds/port'
import { regionOfCopies } from '../../contracts/copies-place'
import { Failure } from '../../contracts/failures'
import { isTemporaryName, type OperationId } from '../../contracts/operation'
import type { Ledger } from '../../ledger/ledger'
import { changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { recordRemoval } from '../resources'
import { soon } from '../snapshot/region'
import { tookOver } from '../took-over'
import { atOurPace, notReadyYet } from '../waiting'
import type { OrphanActivities } from './contract'
import { judgeCopy, type Known, keptUntil } from './judge'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>

export function createOrphanActivities(deps: Deps): OrphanActivities {
  const { ledger, cloudOf } = deps
  return {
    async listTemporary({ bundle }) {
      const { database } = await ledger.getBundle(bundle)
      // Whoever asks asks other places too, and waits.
      const found = await soon(() => cloudOf(database).listInstances({ signal: currentAct().signal }))
      const now = new Date().toISOString()
      const temporary = found.filter(({ name }) => isTemporaryName(name))
      return Promise.all(
        temporary.map(async (one) => {
          const known = await knownOf(deps, one)
          const { name, instanceId, cloud, account, region, cloudState: state, tags } = one
          const { operation = null, step = null } = ownerOf(tags) ?? {}
          const standing = judgeCopy(one, known, now)
          return { name, instanceId, cloud, account, region, state, operation, step, expiresAt: keptUntil(one, known), standing }
        }),
      )
    },
    async removeOrphan({ bundle, operation, name, instanceId }) {
      const { database } = await ledger.getBundle(bundle)
      const cloud = cloudOf(database)
      // Whatever the instance is called by now: what was made for it is in use.
      if (await tookOver(ledger, operation)) return { removed: false, standing: 'took-over' }
      const found = await cloud.describeInstance({ name }, { signal: currentAct().signal })
      if (found === null) {
        await removeWhatIsLeft(cloud, operation)
        await recordRemoval(ledger, { operation, kind: 'instance', name })
        return { removed: true, standing: 'being-removed' }
      }
      // Another one of that name was not asked about.
      if (found.instanceId !== instanceId) return { removed: false, standing: 'not-ours' }
      const owner = ownerOf(found.tags)
      const standing = judgeCopy(found, await knownOf(deps, found), new Date().toISOString())
      if (owner?.operation !== operation) return { removed: false, standing: 'not-ours' }
      if (standing !== 'orphan' && standing !== 'being-removed') return { removed: false, standing }
      if (standing === 'orphan') await atOurPace(cloud.startRemoval({ instance: { name, instanceId }, owner }, changing()))
      throw notReadyYet(`Instance ${name}`, 'being removed')
    },
  }
}

/** What was made for its instances, once none of them is there: the same call would remove an instance that stays. */
async function removeWhatIsLeft(cloud: ManagedPostgres, operation: OperationId): Promise<void> {
  const instances = await cloud.listInstances({ signal: currentAct().signal })
  if (instances.some(({ name, tags }) => isTemporaryOf(operation, name, tags))) return
  const { done } = await cloud.removeOwnedInstances({ operation }, changing())
  if (!done) throw notReadyYet(`What was made for ${operation}`, 'being removed')
}

async function knownOf({ ledger }: Deps, { tags, cloud, name, region }: InstanceDescription): Promise<Known> {
  const owner = ownerOf(tags)
  if (owner === null) return { operation: null, resource: null, tookOver: false }
  const { operation: id } = owner
  const operation = await ledger.getOperation(id)
  // The ledger has names, and regions of AWS share none: what bears one of ours in another region than its copies are in is not ours.
  const isThere = operation !== null && (cloud !== 'aws' || region === (await regionOf(ledger, id)))
  const resources = isThere ? await ledger.listResources({ operation: id }) : []
  const resource = resources.find((one) => one.kind === 'instance' && one.cloud === cloud && one.name === name) ?? null
  // Last: what is asked right before a removal is no older than it has to be.
  return { operation, resource, tookOver: await tookOver(ledger, id) }
}

/** Where the operation's copies are; null: nobody knows any more. */
async function regionOf(ledger: Ledger, operation: OperationId): Promise<string | null> {
  try {
    const bundle = await ledger.getBundle((await ledger.getOrigin(operation)).bundle)
    return regionOfCopies(bundle) ?? bundle.database.region
  } catch (error) {
    if (error instanceof Failure && error.code === 'BUNDLE_MISSING') return null
    throw error
  }
}
