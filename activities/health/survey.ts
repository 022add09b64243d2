/** What an instance's cloud knows of what would hurt. Reads only. */
import type { InstanceDescription } from '../../clouds/port'
import { failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { findTarget } from '../target'
import type { InstanceHealthActivities } from './contract'
import { judgeInstance } from './judge-instance'

export function createInstanceHealthActivities({
  ledger,
  cloudOf,
}: Pick<ActivityDeps, 'ledger' | 'cloudOf'>): InstanceHealthActivities {
  return {
    async surveyInstance({ bundle }) {
      const { database: entry } = await ledger.getBundle(bundle)
      const { signal } = currentAct()
      const cloud = cloudOf(entry)
      const found = await findTarget(cloudOf, entry, { signal })
      const place = placeOf(entry, found)
      const exposure = await cloud.networkExposure({ name: found.name }, { signal })
      // Others' count as well: whoever took it, it can be restored.
      const snapshots = found.automaticBackups.taken
        ? []
        : await cloud.listSnapshots({ instanceId: found.instanceId }, { signal })
      const { deletionProtection } = cloud.capabilities
      return { ...place, ...judgeInstance({ entry, found, exposure, snapshots, deletionProtection, now: new Date() }) }
    },
  }
}

/** One that is changing may well answer. @throws RESOURCE_FAILED for one that does not run. */
function placeOf(
  entry: DatabaseEntry,
  { name, state, cloudState, endpoint }: InstanceDescription,
): { host: string; port: number } {
  const { admin } = entry.connections
  const host = admin.host ?? endpoint?.host
  const port = admin.port ?? endpoint?.port
  if (host !== undefined && port !== undefined && state !== 'stopped' && state !== 'deleting') return { host, port }
  const message = `Instance ${name} is ${cloudState}, and nobody can connect to it: look again once it runs.`
  throw failure('RESOURCE_FAILED', message, { instance: name, cloudState })
}
