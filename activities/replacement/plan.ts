/** The plan of a replacement: what the cloud says of the instance and its backup, and how the instance is set up, kept before anything changes. */
import { differences } from '../../clouds/configuration'
import type { InstanceDescription } from '../../clouds/port'
import { samePlace } from '../../contracts/endpoint'
import { failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { InstanceConfiguration } from '../../contracts/instance-configuration'
import { type OperationId, temporaryName } from '../../contracts/operation'
import { REPLACE_DOCUMENTS, type ReplacePlan, type ReplacePlanSummary } from '../../contracts/replace'
import { sha256Of } from '../../ledger/digest'
import type { Ledger } from '../../ledger/ledger'
import { assertMayAct, currentAct } from '../act'
import { takerOf } from '../backup/promises'
import { assertSameInstance } from '../backup/source'
import type { ActivityDeps } from '../deps'
import { knownAddress, sourceAddress } from '../instance/address'
import { assertVouchedFor } from '../instance/vouched-for'
import { rememberOnce } from '../remember'
import { findPoint } from '../restore/plan'
import { findTarget } from '../target'
import type { ReplacementActivities } from './contract'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>

/** What `planReplacement` found, for `writeReplacementPlan`. */
const FACTS = 'replacement-facts'
type Facts = Omit<ReplacePlan, 'digest' | 'fence' | 'endpoint'> & Pick<ReplacePlanSummary, 'source' | 'address' | 'takenBy'>

export async function planReplacement(
  { ledger, cloudOf }: Deps,
  input: Parameters<ReplacementActivities['planReplacement']>[0],
): ReturnType<ReplacementActivities['planReplacement']> {
  const { operation, bundle, copyStep, point, wasDormant, oldIsGone, acceptLaterWrites, keepOldHours = null } = input
  const { database } = await ledger.getBundle(bundle)
  const cloud = cloudOf(database)
  const { signal } = currentAct()
  const found = await findTarget(cloudOf, database, { signal })
  const source = sourceAddress(found)
  assertCanTakeOver(database)
  if (oldIsGone) assertMayBeGone(found)
  else if (source === null) throw down(found)
  const planned = await findPoint(cloud, found, point)
  const inertCopy = cloud.capabilities.inertCopy[point.kind === 'snapshot' ? 'fromSnapshot' : 'toTime']
  assertVouchedFor(found, inertCopy, wasDormant)
  const configuration = await rememberOnce(ledger, { operation, name: REPLACE_DOCUMENTS.configuration }, () =>
    cloud.describeConfiguration({ name: database.instance }, { signal }),
  )
  const takenBy = await takerOf({ ledger, cloud }, { instance: found.name, database: database.database }, planned)
  const { name: instance, instanceId, engineVersion, cloudState, storage } = found
  const facts: Facts = {
    version: 1,
    bundle,
    ...{ instance, instanceId, engineVersion, cloudState, storage },
    ...{ point: planned, inertCopy, wasDormant, oldIsGone, acceptLaterWrites, keepOldHours, source, takenBy },
    address: knownAddress(found),
    copy: temporaryName(operation, copyStep),
    configuration: sha256Of(configuration),
    instanceClass: configuration.capacity.instanceClass,
    networkRules: configuration.network.rules,
    notCarried: configuration.notCarried,
  }
  assertMayAct()
  await ledger.putDocument({ operation, name: FACTS, document: facts })
  return summaryOf(facts)
}

function summaryOf({ instance, instanceId, engineVersion, point, source, address, inertCopy, takenBy, notCarried }: Facts) {
  const afterStart = inertCopy === 'after-start'
  return { instance, instanceId, engineVersion, point, source, address, afterStart, takenBy, notCarriedCount: notCarried.length }
}

/** Among copies a server would be taken for one by whoever cleans up there, and the fleet file could not name it. */
function assertCanTakeOver(database: DatabaseEntry): void {
  if (database.cloud !== 'azure' || database.copiesResourceGroup === undefined) return
  throw failure(
    'CLOUD_REFUSED',
    `The copy of ${database.name} would be made in resource group ${database.copiesResourceGroup}, which holds copies and is cleaned up as such; it cannot become production there. Leave \`copiesResourceGroup\` out of its entry in the fleet file for this restore, so that it is made in ${database.resourceGroup}.`,
    { instance: database.instance },
  )
}

function down({ name, cloudState }: InstanceDescription) {
  return failure(
    'RESOURCE_FAILED',
    `Instance ${name} is ${cloudState}, so that nobody can see what would be lost and nobody can keep writers out. Start it; or, if it is down for good and nobody writes into it, say so with --old-is-gone.`,
    { instance: name, cloudState },
  )
}

/** While a cloud changes an instance it may serve: it is not gone, whatever was said, and will be as it was. */
export function assertMayBeGone({ name, state, cloudState }: Pick<InstanceDescription, 'name' | 'state' | 'cloudState'>): void {
  if (state !== 'changing' && state !== 'deleting') return
  throw failure(
    'RESOURCE_FAILED',
    `Instance ${name} was said to be gone and is ${cloudState}: it may still take writes, and may be back soon. Wait for the end of that; then start again, with --old-is-gone only if it is stopped or has failed.`,
    { instance: name, cloudState },
  )
}

export async function writeReplacementPlan(
  { ledger }: Deps,
  { operation, fence, endpoint }: Parameters<ReplacementActivities['writeReplacementPlan']>[0],
): Promise<ReplacePlanSummary> {
  const facts = (await ledger.getDocument({ operation, name: FACTS })) as Facts | null
  if (facts === null) throw new Error(`operation ${operation} planned no replacement`)
  if (fence !== null && fence.obstacles.length > 0) {
    const { instance, obstacles } = { ...facts, ...fence }
    const message = `Instance ${instance} could not be fenced: ${obstacles.join(' ')} Nothing was changed.`
    throw failure('FENCE_REFUSED', message, { instance, obstacles: obstacles.length })
  }
  assertLeadsThere(facts, endpoint)
  const { source: _source, address: _address, takenBy: _takenBy, ...shown } = facts
  const told = fence === null ? null : { summary: fence.summary, databases: fence.databases, obstacles: fence.obstacles }
  const body = { ...shown, fence: told, endpoint }
  const document: ReplacePlan = { ...body, digest: sha256Of(body) }
  assertMayAct()
  await ledger.putDocument({ operation, name: REPLACE_DOCUMENTS.plan, document })
  return { ...summaryOf(facts), digest: document.digest }
}

/** One that leads elsewhere would be moved from whoever is served there. */
function assertLeadsThere({ instance, address }: Facts, { at }: ReplacePlan['endpoint']): void {
  // without an address it was asked who answers where the endpoint leads
  if (at === null || address === null || samePlace(at, address)) return
  throw failure(
    'ENDPOINT_DRIFTED',
    `The endpoint leads to ${at.host}:${at.port}, and instance ${instance} is at ${address.host}:${address.port}: it is not moved away from another one. Nothing was changed.`,
    { instance, at: `${at.host}:${at.port}` },
  )
}

export async function capturedConfiguration(ledger: Ledger, operation: OperationId): Promise<InstanceConfiguration> {
  const captured = await ledger.getDocument({ operation, name: REPLACE_DOCUMENTS.configuration })
  if (captured === null) throw new Error(`operation ${operation} captured no configuration`)
  return captured as InstanceConfiguration
}

export async function assertStillAsPlanned(
  { ledger, cloudOf }: Deps,
  { operation, bundle }: Parameters<ReplacementActivities['assertStillAsPlanned']>[0],
): Promise<void> {
  const { database } = await ledger.getBundle(bundle)
  const options = { signal: currentAct().signal }
  const captured = await capturedConfiguration(ledger, operation)
  const found = await findTarget(cloudOf, database, options)
  assertSameInstance(found, captured.instanceId)
  const now = await cloudOf(database).describeConfiguration({ name: database.instance }, options)
  // One that was planned before this was known captured nothing of it: nobody changed it since.
  const changed = differences(captured, now).filter(
    ({ setting, wanted }) => setting !== 'backups.outliveInstance' || wanted !== null,
  )
  if (changed.length === 0) return
  throw failure(
    'PLAN_DRIFTED',
    `Instance ${found.name} was set up otherwise since it was planned, and what is restored is to be set up as it was then: ${changed.map(({ message }) => message).join('; ')}. Start again.`,
    { instance: found.name, settings: changed.length },
  )
}

export async function findOld(
  { ledger, cloudOf }: Deps,
  { operation, bundle }: Parameters<ReplacementActivities['findOld']>[0],
): ReturnType<ReplacementActivities['findOld']> {
  const { database } = await ledger.getBundle(bundle)
  const captured = await capturedConfiguration(ledger, operation)
  const found = await cloudOf(database).describeInstance({ name: database.instance }, { signal: currentAct().signal })
  if (found === null) return null
  // another one under its name has its address, and would be taken for it
  assertSameInstance(found, captured.instanceId)
  assertMayBeGone(found)
  return knownAddress(found)
}
