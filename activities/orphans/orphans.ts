/** Temporary instances that nobody cares for any more: of an operation that is over, kept for no time or one that has passed. */
import { isTemporaryOf, ownerOf } from '../../clouds/owner'
import type { InstanceDescription, ManagedPostgres } from '../../clouds/port'
import { regionOfCopies } from '../../contracts/copies-place'
import { Failure, failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import { FINAL_STATUSES, type IsoInstant, isTemporaryName, type OperationId } from '../../contracts/operation'
import type { CopyStanding, OrphansInput } from '../../contracts/orphans'
import { retirementOf } from '../../contracts/restore'
import type { Ledger } from '../../ledger/ledger'
import { changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { recordRemoval } from '../resources'
import { isRunning } from '../running'
import { soon } from '../snapshot/region'
import { tookOver } from '../took-over'
import { atOurPace, notReadyYet } from '../waiting'
import type { OrphanActivities } from './contract'
import { judgeCopy, type Known, keptUntil } from './judge'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>
type Named = NonNullable<OrphansInput['named']>

export function createOrphanActivities(deps: Deps): OrphanActivities {
  const { ledger, cloudOf } = deps
  return {
    async listTemporary({ bundle, named = [] }) {
      const { database } = await ledger.getBundle(bundle)
      // Whoever asks asks other places too, and waits.
      const found = await soon(() => cloudOf(database).listInstances({ signal: currentAct().signal }))
      assertOfAccount(database, found)
      const temporary = found.filter(({ name }) => isTemporaryName(name))
      return Promise.all(
        temporary.map(async (one) => {
          const { standing, known } = await standingOf(deps, one, named)
          const { name, instanceId, cloud, account, region, cloudState: state, tags } = one
          const { operation = null, step = null } = ownerOf(tags) ?? {}
          return { name, instanceId, cloud, account, region, state, operation, step, expiresAt: keptUntil(one, known), standing }
        }),
      )
    },
    async removeOrphan({ bundle, operation, name, instanceId, named = [] }) {
      const { database } = await ledger.getBundle(bundle)
      const cloud = cloudOf(database)
      // Whatever the instance is called by now: what was made for it is in use.
      if (await tookOver(ledger, operation)) return { removed: false, standing: 'took-over' }
      const found = await cloud.describeInstance({ name }, { signal: currentAct().signal })
      if (found === null) {
        await removeWhatIsLeft(deps, { cloud, database, operation })
        await recordRemoval(ledger, { operation, kind: 'instance', name })
        return { removed: true, standing: 'being-removed' }
      }
      // Another one of that name was not asked about.
      if (found.instanceId !== instanceId) return { removed: false, standing: 'not-ours' }
      const owner = ownerOf(found.tags)
      const { standing } = await standingOf(deps, found, named)
      if (owner?.operation !== operation) return { removed: false, standing: 'not-ours' }
      if (standing !== 'orphan' && standing !== 'being-removed') return { removed: false, standing }
      if (standing === 'orphan') await atOurPace(cloud.startRemoval({ instance: { name, instanceId }, owner }, changing()))
      throw notReadyYet(`Instance ${name}`, 'being removed')
    },
  }
}

/** A worker with other credentials lists another account, in which nothing of this one is to be seen. */
function assertOfAccount({ cloud, account }: DatabaseEntry, found: readonly InstanceDescription[]): void {
  const other = found.find((one) => one.account !== account)
  if (other === undefined) return
  const message = `Instance ${other.name} belongs to ${cloud} account ${other.account}, the fleet file says ${account}: the worker has another account's credentials, or the fleet file is wrong.`
  throw failure('ACCOUNT_MISMATCH', message, { instance: other.name, found: other.account, expected: account })
}

/** What was made for its instances, once none of them is there and nobody works for it again: the same call would remove an instance that stays. One
 *  that the ledger names counts whatever its tags: on Google Cloud a clone that somebody took the labels off looks like one that never had them. */
async function removeWhatIsLeft(
  { ledger }: Deps,
  { cloud, database, operation }: { cloud: ManagedPostgres; database: DatabaseEntry; operation: OperationId },
): Promise<void> {
  const instances = await cloud.listInstances({ signal: currentAct().signal })
  assertOfAccount(database, instances)
  const made = new Set((await ledger.listResources({ operation })).map(({ name }) => name))
  if (instances.some(({ name, tags }) => made.has(name) || isTemporaryOf(operation, name, tags))) return
  const { status } = (await ledger.getOperation(operation)) ?? {}
  if (status === undefined || !FINAL_STATUSES.includes(status) || (await isRunning(currentAct().client, operation))) return
  const { done } = await cloud.removeOwnedInstances({ operation }, changing())
  if (!done) throw notReadyYet(`What was made for ${operation}`, 'being removed')
}

/** Temporal is asked of what would be an orphan, and of nothing else. Fails with TEMPORAL_UNREACHABLE. */
async function standingOf(
  deps: Deps,
  found: InstanceDescription,
  named: Named,
): Promise<{ standing: CopyStanding; known: Known }> {
  const known = { ...(await knownOf(deps, found)), named: named.includes(found.name.toLowerCase()) }
  const standing = judgeCopy(found, known, now())
  if (standing !== 'orphan') return { standing, known }
  const alive = await whatLives(found)
  return { standing: judgeCopy(found, { ...known, alive }, now()), known: { ...known, alive } }
}

/** By the slower of two clocks: a worker's that is fast must not end what Temporal's server still keeps. */
function now(): IsoInstant {
  return new Date(Math.min(Date.now(), currentAct().scheduledAtMs)).toISOString()
}

async function whatLives({ name, tags }: InstanceDescription): Promise<Known['alive']> {
  const { client } = currentAct()
  const owner = ownerOf(tags)
  if (owner !== null && (await isRunning(client, owner.operation))) return 'operation'
  return (await isRunning(client, retirementOf(name))) ? 'retirement' : null
}

async function knownOf({ ledger }: Deps, { tags, cloud, name, region }: InstanceDescription): Promise<Omit<Known, 'named'>> {
  const owner = ownerOf(tags)
  if (owner === null) return { operation: null, resource: null, tookOver: false, alive: null }
  const { operation: id } = owner
  const operation = await ledger.getOperation(id)
  // The ledger has names, and regions of AWS share none: what bears one of ours in another region than its copies are in is not ours.
  const isThere = operation !== null && (cloud !== 'aws' || region === (await regionOf(ledger, id)))
  const resources = isThere ? await ledger.listResources({ operation: id }) : []
  const resource = resources.find((one) => one.kind === 'instance' && one.cloud === cloud && one.name === name) ?? null
  // Last: what is asked right before a removal is no older than it has to be.
  return { operation, resource, tookOver: await tookOver(ledger, id), alive: null }
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
