/** The verification's plan: what is restored, what it costs, and which rungs it promises. */
import type { InstanceDescription, ManagedPostgres } from '../../clouds/port'
import { placeOfCopies } from '../../contracts/copies-place'
import type { DatabaseEntry } from '../../contracts/fleet'
import { type OperationId, temporaryName } from '../../contracts/operation'
import {
  type PlannedPoint,
  VERIFY_BACKUP_DOCUMENTS,
  type VerificationPlan,
  type VerificationPlanSummary,
} from '../../contracts/verify-backup'
import { sha256Of } from '../../ledger/digest'
import type { Ledger } from '../../ledger/ledger'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { copyClass } from '../instance/copy-request'
import { assertVouchedFor } from '../instance/vouched-for'
import { rememberOnce } from '../remember'
import { snapshotElsewhere } from '../restore/elsewhere'
import { findTarget } from '../target'
import type { BackupActivities } from './contract'
import { costed } from './cost'
import { expectedMs, type NeededTime, neededTime } from './history'
import { type Choosing, choosePoint, newestSnapshot } from './point'
import { plannedRungs, takerOf } from './promises'
import { manifestedBefore } from './since'
import { lastPoint, type Turn, turnOf } from './turns'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>
type Asked = Parameters<BackupActivities['planVerification']>[0]

export async function planVerification({ ledger, cloudOf }: Deps, asked: Asked): Promise<VerificationPlanSummary> {
  const { operation, bundle, wanted } = asked
  const database = placeOfCopies(await ledger.getBundle(bundle))
  if (wanted.kind === 'snapshot' && wanted.region !== undefined) {
    const { snapshot, region } = wanted
    const plan = await rememberOnce(ledger, { operation, name: VERIFY_BACKUP_DOCUMENTS.plan }, () =>
      planElsewhere({ ledger, cloudOf }, asked, { database, snapshot, region }),
    )
    return summaryOf(plan, asked)
  }
  const options = { signal: currentAct().signal }
  const source = await findTarget(cloudOf, database, options)
  const cloud = cloudOf(database)
  // Once: the window moves, and a repeat after a kill must not choose another moment.
  const plan = await rememberOnce(ledger, { operation, name: VERIFY_BACKUP_DOCUMENTS.plan }, async () => {
    const window = await cloud.restoreWindow({ name: database.instance }, options)
    const choosing = { cloud, source, operation, window, options }
    const turn = wanted.kind === 'by-turns' ? await turnFor(ledger, choosing, { database, asked }) : { wanted, why: null }
    const point = await choosePoint(choosing, turn.wanted)
    // A moment of this operation's own is asked about when it is there.
    if (point.kind !== 'now') assertVouchedFor(source, cloud.capabilities.inertCopy[kindOf(point)], asked.wasDormant)
    const takenBy = await takerOf({ ledger, cloud }, { instance: source.name, database: database.database }, point)
    const { instanceId } = source
    const since = point.kind === 'moment' ? await manifestedBefore(ledger, { database, instanceId, at: point.at }) : null
    const expected = await expectedMs(ledger, database.name, point)
    const needed = await neededTime(ledger, database.name, point)
    return planOf({ asked, database, cloud, source, window, point, turn: turn.why, takenBy, since, expected, needed })
  })
  return summaryOf(plan, asked)
}

function summaryOf(plan: VerificationPlan, asked: Asked): VerificationPlanSummary {
  const { digest, instance, instanceId, engineVersion, point, turn, inertCopy, takenBy, since, objectives, rungs, withinMs } =
    plan
  const shortened = withinMs < asked.withinMs ? { withinMs } : {}
  return { digest, instance, instanceId, engineVersion, point, turn, inertCopy, takenBy, since, objectives, rungs, ...shortened }
}

/** Of a copy in another region: neither the instance nor its region is asked. `database`: the entry as that region has it. */
async function planElsewhere(
  { ledger, cloudOf }: Deps,
  asked: Asked,
  { database, snapshot, region }: { database: DatabaseEntry; snapshot: string; region: string },
): Promise<VerificationPlan> {
  const cloud = cloudOf(database)
  const found = await snapshotElsewhere({ ledger, cloudOf }, database, snapshot)
  const instanceClass = copyClass(database, cloud.capabilities, 'fromSnapshot')
  if (instanceClass === null) throw new Error(`the bundle of ${database.name} does not say of what class a copy in ${region} is`)
  const source = { ...found, name: found.instance, instanceClass }
  assertVouchedFor({ name: source.name, cloud: database.cloud }, cloud.capabilities.inertCopy.fromSnapshot, asked.wasDormant)
  const point = { kind: 'snapshot' as const, snapshot, createdAt: found.createdAt, region }
  const takenBy = await takerOf({ ledger, cloud }, { instance: source.name, database: database.database }, point)
  const expected = await expectedMs(ledger, database.name, point)
  const needed = await neededTime(ledger, database.name, point)
  const nothing = { window: null, turn: null, since: null }
  return planOf({ asked, database, cloud, source, point, takenBy, expected, needed, ...nothing })
}

async function turnFor(
  ledger: Ledger,
  choosing: Choosing,
  { database, asked }: { database: DatabaseEntry; asked: Asked },
): Promise<Turn> {
  const { cloud, source, operation, window } = choosing
  const { instanceId } = source
  return turnOf({
    last: await lastPoint(ledger, { operation, database: database.name, instanceId }),
    hasSnapshot: (await newestSnapshot(choosing)) !== null,
    hasWindow: window !== null,
    inertCopy: cloud.capabilities.inertCopy,
    vouchedFor: asked.wasDormant,
  })
}

interface Found {
  readonly asked: Asked
  readonly database: DatabaseEntry
  readonly cloud: ManagedPostgres
  readonly source: Pick<InstanceDescription, 'name' | 'instanceId' | 'engineVersion' | 'instanceClass' | 'storage'>
  readonly window: VerificationPlan['window']
  readonly point: PlannedPoint
  readonly turn: string | null
  readonly takenBy: OperationId | null
  readonly since: OperationId | null
  readonly expected: number | null
  readonly needed: NeededTime
}

function planOf(found: Found): VerificationPlan {
  const { asked, database, cloud, source, window, point, turn, takenBy, since, expected, needed } = found
  const { rpoMs = null, rtoMs = null } = database.objectives ?? {}
  const kind = kindOf(point)
  const copy = {
    name: temporaryName(asked.operation, asked.copyStep),
    instanceClass: copyClass(database, cloud.capabilities, kind) ?? source.instanceClass,
    sizeGib: source.storage.sizeGib,
  }
  const body = {
    version: 1 as const,
    bundle: asked.bundle,
    instance: source.name,
    instanceId: source.instanceId,
    engineVersion: source.engineVersion,
    point,
    turn,
    window,
    copy,
    inertCopy: cloud.capabilities.inertCopy[kind],
    takenBy,
    since,
    rungs: plannedRungs(database, point, { takenBy, since }),
    objectives: { rpoMs, rtoMs },
    ...costed({ database, copy, askedMs: asked.withinMs, expectedMs: expected, needed }),
    expectedMs: expected,
  }
  return { ...body, digest: sha256Of(body) }
}

function kindOf({ kind }: PlannedPoint): 'fromSnapshot' | 'toTime' {
  return kind === 'snapshot' ? 'fromSnapshot' : 'toTime'
}
