/** The plan of an overwriting: what the cloud says of the instance and the snapshot, and how the instance is set up, kept before anything changes. */
import type { ManagedPostgres, Overwritable } from '../../clouds/port'
import { failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import {
  freshBackupOf,
  OVERWRITE_DOCUMENTS,
  type OverwritePlan,
  type OverwritePlanSummary,
  type PlannedOverwriting,
} from '../../contracts/overwrite'
import { REPLACE_DOCUMENTS } from '../../contracts/replace'
import { sha256Of } from '../../ledger/digest'
import type { Ledger } from '../../ledger/ledger'
import { assertMayAct, currentAct } from '../act'
import { takerOf } from '../backup/promises'
import { assertSameInstance } from '../backup/source'
import type { ActivityDeps } from '../deps'
import { addressOf } from '../instance/address'
import { copySettings } from '../instance/copy-request'
import { restorableSnapshot } from '../instance/restorable'
import { rememberOnce } from '../remember'
import { capturedConfiguration } from '../replacement/plan'
import { findPoint } from '../restore/plan'
import { findTarget } from '../target'
import { notReadyYet } from '../waiting'
import { assertNotBegun } from './begun'
import type { OverwriteActivities } from './contract'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>

/** What `planOverwriting` found, for `writeOverwritePlan`. */
const FACTS = 'overwrite-facts'
type Facts = Omit<OverwritePlan, 'digest' | 'fence'> & Pick<OverwritePlanSummary, 'source' | 'takenBy'>

export async function planOverwriting(
  { ledger, cloudOf }: Deps,
  { operation, bundle, snapshot, keepHours }: Parameters<OverwriteActivities['planOverwriting']>[0],
): Promise<PlannedOverwriting> {
  const { database } = await ledger.getBundle(bundle)
  const cloud = cloudOf(database)
  const { signal } = currentAct()
  const found = await findTarget(cloudOf, database, { signal })
  const { name, instanceId, engineVersion, storage } = found
  const { snapshotId, ruleNames } = await assertNothingInTheWay(cloud, { name, instanceId }, snapshot)
  const source = addressOf(found)
  const point = await findPoint(cloud, found, { kind: 'snapshot', snapshot })
  // made between the two looks: the next attempt sees it
  if (snapshotId === null) throw notReadyYet(`Snapshot ${snapshot}`, 'only just there')
  const configuration = await rememberOnce(ledger, { operation, name: REPLACE_DOCUMENTS.configuration }, () =>
    cloud.describeConfiguration({ name: database.instance }, { signal }),
  )
  const takenBy = await takerOf({ ledger, cloud }, { instance: found.name, database: database.database }, point)
  const facts: Facts = {
    version: 1,
    ...{ bundle, instance: name, instanceId, engineVersion, storage, point, snapshotId, keepHours, source, takenBy },
    backup: freshBackupOf(operation),
    configuration: sha256Of(configuration),
    networksMeanwhile: copySettings(database, cloud.capabilities, 'fromSnapshot').networkRules,
    networkRules: configuration.network.rules,
    networkNames: ruleNames,
  }
  assertMayAct()
  await ledger.putDocument({ operation, name: FACTS, document: facts })
  return { point, source, takenBy }
}

async function assertNothingInTheWay(
  cloud: ManagedPostgres,
  instance: { name: string; instanceId: string },
  snapshot: string,
): Promise<Omit<Overwritable, 'obstacles'>> {
  const { obstacles, ...found } = await cloud.overwriteObstacles({ instance, snapshot }, { signal: currentAct().signal })
  if (obstacles.length === 0) return found
  throw failure('CLOUD_REFUSED', `${obstacles.join(' ')} Nothing was changed.`, {
    instance: instance.name,
    obstacles: obstacles.length,
  })
}

export async function writeOverwritePlan(
  { ledger }: Deps,
  { operation, fence }: Parameters<OverwriteActivities['writeOverwritePlan']>[0],
): Promise<OverwritePlanSummary> {
  const facts = (await ledger.getDocument({ operation, name: FACTS })) as Facts | null
  if (facts === null) throw new Error(`operation ${operation} planned no overwriting`)
  const { obstacles, databases, summary } = fence
  if (obstacles.length > 0) {
    const { instance } = facts
    const message = `Instance ${instance} could not be fenced: ${obstacles.join(' ')} Nothing was changed.`
    throw failure('FENCE_REFUSED', message, { instance, obstacles: obstacles.length })
  }
  const { source, takenBy, ...shown } = facts
  const body = { ...shown, fence: { summary, databases } }
  const document: OverwritePlan = { ...body, digest: sha256Of(body) }
  assertMayAct()
  await ledger.putDocument({ operation, name: OVERWRITE_DOCUMENTS.plan, document })
  return { digest: document.digest, point: facts.point, source, takenBy }
}

export async function assertOverwritable(
  { ledger, cloudOf }: Deps,
  { operation, bundle, snapshot }: Parameters<OverwriteActivities['assertOverwritable']>[0],
): Promise<void> {
  await assertNotBegun(ledger, operation)
  const { database } = await ledger.getBundle(bundle)
  const cloud = cloudOf(database)
  const { instance: name, instanceId } = await capturedConfiguration(ledger, operation)
  const { signal } = currentAct()
  const found = await findTarget(cloudOf, database, { signal })
  assertSameInstance(found, instanceId)
  await restorableSnapshot(cloud, found, snapshot, { signal })
  const { snapshotId } = await assertNothingInTheWay(cloud, { name, instanceId }, snapshot)
  const { snapshotId: planned } = await overwritePlanOf(ledger, operation)
  if (snapshotId === planned) return
  const message = `Snapshot ${snapshot} is another one than was approved (${snapshotId ?? 'none'}, and not ${planned}). Start again.`
  throw failure('PLAN_DRIFTED', message, { snapshot, found: snapshotId, expected: planned })
}

/** What the approval was for. */
export async function overwritePlanOf(ledger: Ledger, operation: OperationId): Promise<OverwritePlan> {
  const plan = (await ledger.getDocument({ operation, name: OVERWRITE_DOCUMENTS.plan })) as OverwritePlan | null
  if (plan === null) throw new Error(`operation ${operation} planned no overwriting`)
  return plan
}
