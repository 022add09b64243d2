/** Copies of a snapshot in other regions, each its region's own from then on. */
import { failure } from '../../contracts/failures'
import type { SnapshotCopyPolicy } from '../../contracts/fleet'
import { type OperationId, type Sha256, temporaryName } from '../../contracts/operation'
import { documentOf, type SnapshotPlan, shownSize } from '../../contracts/snapshot'
import { assertMayAct, changing, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { notListed, notReadyYet } from '../waiting'
import type { SnapshotActivities } from './contract'
import { keptUntil } from './kept-until'
import { readPlan } from './plan'
import { cloudIn, soon } from './region'
import { judgeCopy } from './verify'

type Copying = 'startSnapshotCopy' | 'askRegion' | 'awaitSnapshotCopy' | 'verifySnapshotCopy'

export function createCopyActivities({
  ledger,
  cloudOf,
}: Pick<ActivityDeps, 'ledger' | 'cloudOf'>): Pick<SnapshotActivities, Copying> {
  const planOf = async (operation: OperationId): Promise<SnapshotPlan> => {
    const plan = await readPlan(ledger, operation)
    if (plan === null) throw failure('DEFECT', `Operation ${operation} has no plan to copy by.`)
    return plan
  }
  /** Fails soon where the region does not answer. */
  const describeCopy = async ({ bundle, region, snapshot }: { bundle: Sha256; region: string; snapshot: string }) => {
    const { database } = await ledger.getBundle(bundle)
    const asked = { instance: database.instance, name: snapshot }
    return soon(() => cloudIn(cloudOf, database, region).describeSnapshot(asked, { signal: currentAct().signal }))
  }
  return {
    async startSnapshotCopy({ operation, step, bundle, region, of, instanceId, retentionHours, startedAt }) {
      const { database } = await ledger.getBundle(bundle)
      const { key } = wantedIn(database.policy.snapshotCopies, region)
      const { storage } = await planOf(operation)
      const snapshot = temporaryName(operation, step)
      const cloud = cloudIn(cloudOf, database, region)
      const expiresAt = await keptUntil({
        ...{ ledger, cloud, database, region, operation, retentionHours, takenAt: startedAt },
        instanceId: async () => instanceId,
      })
      const options = changing()
      await ledger.recordResource({
        ...{ operation, cloud: database.cloud, kind: 'snapshot', name: snapshot },
        ...{ createdAt: startedAt, expiresAt, removedAt: null },
      })
      const source = { account: database.account, region: database.region, name: of, encrypted: storage.encrypted }
      await cloud.startSnapshotCopy({ source, snapshot, key, owner: { operation, step, expiresAt } }, options)
    },
    async askRegion(place) {
      await describeCopy(place)
    },
    async awaitSnapshotCopy({ bundle, region, snapshot }) {
      const found = await describeCopy({ bundle, region, snapshot })
      if (found === null) throw notListed(`Snapshot ${snapshot} in ${region}`)
      if (found.state === 'ready') return
      if (found.state === 'changing') throw notReadyYet(`Snapshot ${snapshot} in ${region}`, found.cloudState)
      const message = `Snapshot ${snapshot} in ${region} is ${found.cloudState} and will not become available.`
      throw failure('RESOURCE_FAILED', message, { snapshot, region })
    },
    async verifySnapshotCopy({ operation, bundle, region, snapshot }) {
      const { database } = await ledger.getBundle(bundle)
      const plan = await planOf(operation)
      const found = await describeCopy({ bundle, region, snapshot })
      if (found === null) throw notListed(`Snapshot ${snapshot} in ${region}`)
      const findings = judgeCopy(found, plan, wantedIn(database.policy.snapshotCopies, region))
      assertMayAct()
      const document = { version: 1, region, snapshot: found, findings }
      await ledger.putDocument({ operation, name: documentOf('snapshot', region), document })
      const { storage, createdAt, cloudState } = found
      const kind = storage.encrypted ? `encrypted with ${storage.key ?? 'a key that has no name'}` : 'not encrypted'
      return { findings, createdAt, summary: `${cloudState}, ${shownSize(storage.sizeGib)}, ${kind}` }
    },
  }
}

function wantedIn(copies: readonly SnapshotCopyPolicy[] | undefined, region: string): SnapshotCopyPolicy {
  const wanted = copies?.find((copy) => copy.region === region)
  if (wanted === undefined) throw failure('DEFECT', `The bundle's policy copies no snapshot to ${region}.`)
  return wanted
}
