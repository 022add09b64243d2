/** The verification's plan: what is restored, what it costs, and which rungs it promises. */
import type { InstanceDescription, ManagedPostgres } from '../../clouds/port'
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
  const { operation, bundle } = asked
  const { database } = await ledger.getBundle(bundle)
  const options = { signal: currentAct().signal }
  const source = await findTarget(cloudOf, database, options)
  const cloud = cloudOf(database)
  // Once: the window moves, and a repeat after a kill must not choose another moment.
  const plan = await rememberOnce(ledger, { operation, name: VERIFY_BACKUP_DOCUMENTS.plan }, async () => {
    const window = await cloud.restoreWindow({ name: database.instance }, options)
    const choosing = { cloud, source, operation, window, options }
    const { wanted } = asked
    const turn = wanted.kind === 'by-turns' ? await turnFor(ledger, choosing, { database, asked }) : { wanted, why: null }
    const point = await choosePoint(choosing, turn.wanted)
    // A moment of this operation's own is asked about when it is there.
    if (point.kind !== 'now') assertVouchedFor(source, cloud.capabilities.inertCopy[kindOf(point)], asked.wasDormant)
    const takenBy = await takerOf({ ledger, cloud }, { instance: source.name, database: database.database }, point)
    const { instanceId } = source
    const since = point.kind === 'moment' ? await manifestedBefore(ledger, { database, instanceId, at: point.at }) : null
    const expected = await expectedMs(ledger, database.name, point.kind)
    const needed = await neededTime(ledger, database.name, point.kind)
    return planOf({ asked, database, cloud, source, window, point, turn: turn.why, takenBy, since, expected, needed })
  })
  const { digest, instance, instanceId, engineVersion, point, turn, inertCopy, takenBy, since, objectives, rungs, withinMs } =
    plan
  const shortened = withinMs < asked.withinMs ? { withinMs } : {}
  return { digest, instance, instanceId, engineVersion, point, turn, inertCopy, takenBy, since, objectives, rungs, ...shortened }
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
  readonly source: InstanceDescription
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
