/** What the clouds say of an old writer and of what took its place, when somebody means to remove the old one. Changes nothing. */
import type { InstanceDescription, ManagedPostgres } from '../../clouds/port'
import type { NewWriterAtCloud, OldWriterAtCloud } from '../../contracts/old-writer'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { knownAddress, sourceAddress } from '../instance/address'
import { lettingIn } from '../instance-fence/place'
import { againstRemoving, findOldInstance, removalOf } from '../replacement/old-at-cloud'
import type { OldWriterCloudActivities } from './contract'

/** Where a cloud names no newest moment: in which the log is on its way still. */
const UNTOLD_MS = 300_000

export function createOldWriterCloudActivities({
  ledger,
  cloudOf,
}: Pick<ActivityDeps, 'ledger' | 'cloudOf'>): OldWriterCloudActivities {
  return {
    async describeOldWriter({ bundle, instanceId, leftIn }): Promise<OldWriterAtCloud> {
      const { database: entry } = await ledger.getBundle(bundle)
      const cloud = cloudOf(entry)
      const { signal } = currentAct()
      const old = { instance: entry.instance, instanceId }
      const { standing, found } = await findOldInstance(cloud, { entry, old, signal })
      if (found === null) {
        const nothing = { commands: [], against: [], cloudState: null, address: null, lettingIn: null }
        return { standing, instance: old, ...nothing }
      }
      const stopped = found.state === 'stopped'
      // whoever its network lets in finds nobody
      const access = leftIn === null || stopped ? null : await cloud.accessOf({ name: found.name }, { signal })
      return {
        ...{ standing, instance: { instance: found.name, instanceId }, cloudState: found.cloudState },
        address: stopped || found.state === 'deleting' ? null : knownAddress(found),
        lettingIn: leftIn === null ? null : access === null ? [] : [...lettingIn(access, leftIn), ...access.beyondRules],
        commands: removalOf(entry, found),
        against: [...againstRemoving(found, entry.instance), ...(await replicasOf(cloud, found, signal))],
      }
    },

    async describeNewWriter({ bundle }): Promise<NewWriterAtCloud> {
      const { database: entry } = await ledger.getBundle(bundle)
      const cloud = cloudOf(entry)
      const { signal } = currentAct()
      const found = await cloud.describeInstance({ name: entry.instance }, { signal })
      if (found === null) {
        const backups = { newestSnapshot: null, restorableTo: null, automatic: false }
        return { instance: null, state: 'gone', cloudState: 'gone', replicaOf: null, address: null, backups }
      }
      const { name: instance, instanceId, state, cloudState, replicaOf, automaticBackups } = found
      const newestSnapshot = await newestSnapshotOf(cloud, found, signal)
      const restorableTo = await restorableToOf(cloud, found, signal)
      return {
        ...{ instance: { instance, instanceId }, state, cloudState, replicaOf, address: sourceAddress(found) },
        backups: { newestSnapshot, restorableTo, automatic: automaticBackups.taken },
      }
    },
  }
}

async function replicasOf(cloud: ManagedPostgres, { name }: InstanceDescription, signal: AbortSignal): Promise<string[]> {
  const all = await cloud.listInstances({ signal })
  return all.filter(({ replicaOf }) => replicaOf === name).map((one) => `Its cloud has a read replica of it: ${one.name}.`)
}

async function newestSnapshotOf(
  cloud: ManagedPostgres,
  { instanceId }: InstanceDescription,
  signal: AbortSignal,
): Promise<string | null> {
  const all = await cloud.listSnapshots({ instanceId }, { signal })
  const taken = all.flatMap(({ state, createdAt }) => (state === 'ready' && createdAt !== null ? [createdAt] : []))
  return taken.sort((one, other) => Date.parse(one) - Date.parse(other)).at(-1) ?? null
}

async function restorableToOf(
  cloud: ManagedPostgres,
  { name }: InstanceDescription,
  signal: AbortSignal,
): Promise<string | null> {
  const { restoreToTime, newestMomentTold } = cloud.capabilities
  const window = restoreToTime ? await cloud.restoreWindow({ name }, { signal }) : null
  if (window === null || newestMomentTold) return window?.latest ?? null
  const sure = Date.parse(window.latest) - UNTOLD_MS
  return sure < Date.parse(window.earliest) ? null : new Date(sure).toISOString()
}
