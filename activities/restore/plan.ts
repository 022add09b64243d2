/** The restore operation's plan: asked of the cloud, and kept in the ledger. It asks for no more than it needs: an instance that is down is just the
 *  one whose backups are wanted. */
import type { InstanceDescription, ManagedPostgres } from '../../clouds/port'
import { placeOfCopies } from '../../contracts/copies-place'
import type { DatabaseEntry } from '../../contracts/fleet'
import { temporaryName } from '../../contracts/operation'
import { type PlannedPoint, RESTORE_DOCUMENTS, type RestorePlan } from '../../contracts/restore'
import type { RestorePoint } from '../../contracts/restore-point'
import { sha256Of } from '../../ledger/digest'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { sourceAddress } from '../instance/address'
import { copySettings } from '../instance/copy-request'
import { assertWithin, requireWindow, restorableSnapshot } from '../instance/restorable'
import { assertVouchedFor } from '../instance/vouched-for'
import { findTarget } from '../target'
import type { RestoreActivities } from './contract'
import { snapshotOfDeleted } from './deleted'
import { snapshotElsewhere } from './elsewhere'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>

export function createRestoreActivities({ ledger, cloudOf }: Deps): RestoreActivities {
  return {
    async planRestore({ operation, bundle, copyStep, point, keepHours, wasDormant }) {
      const database = placeOfCopies(await ledger.getBundle(bundle))
      const cloud = cloudOf(database)
      const { source, planned, asked } = await findSource({ ledger, cloudOf }, database, point)
      const kind = point.kind === 'snapshot' ? 'fromSnapshot' : 'toTime'
      const inertCopy = cloud.capabilities.inertCopy[kind]
      assertVouchedFor({ name: source.name, cloud: database.cloud }, inertCopy, wasDormant)
      const { name: instance, instanceId, engineVersion, storage } = source
      const settings = copySettings(database, cloud.capabilities, kind)
      const facts = { version: 1 as const, bundle, instance, instanceId, engineVersion, storage, point: planned }
      const body = {
        ...facts,
        copy: temporaryName(operation, copyStep),
        keepHours,
        ...settings,
        inertCopy,
        wasDormant,
      }
      const document: RestorePlan = { ...body, digest: sha256Of(body) }
      assertMayAct()
      await ledger.putDocument({ operation, name: RESTORE_DOCUMENTS.plan, document })
      return {
        digest: document.digest,
        point: planned,
        source: asked && sourceAddress(asked),
        afterStart: inertCopy === 'after-start',
      }
    },
  }
}

interface Found {
  readonly source: Pick<InstanceDescription, 'name' | 'instanceId' | 'engineVersion' | 'storage'>
  readonly planned: PlannedPoint
  /** Null: it is gone, or its region may be, and can be asked nothing. */
  readonly asked: InstanceDescription | null
}

async function findSource({ ledger, cloudOf }: Deps, database: DatabaseEntry, point: RestorePoint): Promise<Found> {
  const cloud = cloudOf(database)
  if (point.kind === 'snapshot' && point.region !== undefined) {
    const { snapshot, region } = point
    const { instance: name, ...found } = await snapshotElsewhere({ ledger, cloudOf }, database, snapshot)
    const planned = { kind: 'snapshot' as const, snapshot, createdAt: found.createdAt, region }
    return { source: { ...found, name }, planned, asked: null }
  }
  if (point.kind === 'snapshot' && point.deleted) {
    const { snapshot } = point
    const { instance: name, ...found } = await snapshotOfDeleted({ ledger, cloud }, database, snapshot)
    return {
      source: { ...found, name },
      planned: { kind: 'snapshot', snapshot, createdAt: found.createdAt, deleted: true },
      asked: null,
    }
  }
  const source = await findTarget(cloudOf, database, { signal: currentAct().signal })
  return { source, planned: await findPoint(cloud, source, point), asked: source }
}

export function findPoint(cloud: ManagedPostgres, source: InstanceDescription, point: RestorePoint): Promise<PlannedPoint> {
  return point.kind === 'snapshot' ? findSnapshot(cloud, source, point.snapshot) : findMoment(cloud, source, point.at)
}

async function findSnapshot(cloud: ManagedPostgres, source: InstanceDescription, name: string): Promise<PlannedPoint> {
  const { createdAt } = await restorableSnapshot(cloud, source, name, { signal: currentAct().signal })
  return { kind: 'snapshot', snapshot: name, createdAt }
}

async function findMoment(cloud: ManagedPostgres, source: InstanceDescription, at: string): Promise<PlannedPoint> {
  const { name } = source
  const found = cloud.capabilities.restoreToTime ? await cloud.restoreWindow({ name }, { signal: currentAct().signal }) : null
  const window = requireWindow(source, found)
  assertWithin(source, window, at)
  return { kind: 'moment', at, ...window }
}
