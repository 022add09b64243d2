/** Of which databases a backup was proven lately enough: the fleet at a glance. */
import type { DatabaseEntry, FleetVerification } from '../contracts/fleet'
import {
  FINAL_STATUSES,
  type IsoInstant,
  type OperationDocument,
  type OperationId,
  type StepRecord,
  type Verdict,
} from '../contracts/operation'
import {
  isElsewhere,
  type MeasuredRto,
  type PlannedPoint,
  type StatedObjectives,
  VERIFY_BACKUP_DOCUMENTS,
  VERIFY_BACKUP_STEPS,
  type Verification,
  type VerificationPlan,
  verificationLimitMs,
} from '../contracts/verify-backup'
import type { Ledger } from '../ledger/ledger'
import { firstAtHome, listVerifications } from '../ledger/verifications'
import { neverPays } from './night-money'
import { quoteFromLedger } from './night-quote'
import { type Alert, type Alerting, alertsOf } from './verification-alerts'

/** How far back a proof is looked for. */
const OPERATIONS_MAX = 200
/** Of one of what is at home, among those of copies in other regions. */
const RUNS_LOOKED_AT_MAX = 50
const HOUR_MS = 3_600_000

export interface VerificationStanding {
  readonly database: string
  readonly environment: string
  /** The newest that came to a verdict; null: there is none. */
  readonly last: {
    readonly operation: OperationId
    readonly at: IsoInstant
    readonly point: PlannedPoint
    readonly verdict: Verdict
    readonly rpoMs: number | null
    readonly rto: MeasuredRto | null
  } | null
  /** Of the newest that proved a backup of the instance that `last` was of; null: none did. */
  readonly provenAt: IsoInstant | null
  /** What that one restored. */
  readonly provenPoint: PlannedPoint | null
  readonly ageMs: number | null
  readonly objectives: StatedObjectives & { readonly verifyEveryHours: number | null }
  /** Older than `verifyEvery`, or never. */
  readonly stale: boolean
  readonly alerts: readonly Alert[]
}

export interface Reported {
  readonly databases: readonly DatabaseEntry[]
  readonly verification?: FleetVerification
}

/** Stale ones first, then the oldest proof first. Fails as the ledger does. */
export async function reportVerifications(
  ledger: Ledger,
  { databases, verification }: Reported,
  now: number,
): Promise<VerificationStanding[]> {
  const standings: VerificationStanding[] = []
  for (const entry of databases) standings.push(await standingOf(ledger, entry, { now, verification }))
  const age = ({ ageMs }: VerificationStanding): number => ageMs ?? Number.POSITIVE_INFINITY
  return standings.sort(
    (a, b) => Number(b.stale) - Number(a.stale) || order(age(b), age(a)) || order(b.database, a.database) * -1,
  )
}

function order<T extends number | string>(a: T, b: T): number {
  return a === b ? 0 : a > b ? 1 : -1
}

interface Asked {
  readonly now: number
  readonly verification: FleetVerification | undefined
}

async function standingOf(ledger: Ledger, entry: DatabaseEntry, { now, verification }: Asked): Promise<VerificationStanding> {
  const { name: database, environment, objectives } = entry
  const { rpoMs = null, rtoMs = null, verifyEveryHours = null } = objectives ?? {}
  const listed = await ledger.listOperations({ database, kind: 'verify-backup', mode: 'apply', limit: OPERATIONS_MAX })
  const verified = await listVerifications(ledger, { database, limit: OPERATIONS_MAX })
  // A copy in another region says nothing of what is at home, neither for it nor against it. While its run goes on, or waits for a person, it costs.
  const elsewhere = verified.filter(({ point }) => isElsewhere(point)).map(({ operation }) => operation)
  const all = verified.filter(({ point }) => !isElsewhere(point))
  const runs = listed.filter(({ id, status }) => !(FINAL_STATUSES.includes(status) && elsewhere.includes(id)))
  const newest = all[0]
  // The name of an instance may stand for another one by and by: what was proven of that one's backups says nothing of this one's.
  const provenBy = all.find(({ proven, instanceId }) => proven && instanceId === newest?.instanceId) ?? null
  const provenAt = provenBy?.judgedAt ?? null
  const ageMs = provenAt === null ? null : now - Date.parse(provenAt)
  const allowedMs = verifyEveryHours === null ? null : verifyEveryHours * HOUR_MS
  const stale = allowedMs !== null && (ageMs === null || ageMs > allowedMs)
  const failedRun =
    (await failedWithoutVerdict(ledger, runs, newest?.operation ?? null)) ??
    (await overdueRun(ledger, entry, { runs, now })) ??
    (await failedPlan(ledger, database))
  const unpayable = await unpayableBy(ledger, entry, verification?.money)
  return {
    database,
    environment,
    last: newest === undefined ? null : lastOf(newest),
    provenAt,
    provenPoint: provenBy?.point ?? null,
    ageMs,
    objectives: { rpoMs, rtoMs, verifyEveryHours },
    stale,
    alerts: alertsOf({ lasts: newestOfEachKind(all), provenAt, stale, objectives: { rpoMs, rtoMs }, failedRun, unpayable }),
  }
}

async function unpayableBy(
  ledger: Ledger,
  entry: DatabaseEntry,
  money: FleetVerification['money'],
): Promise<Alerting['unpayable']> {
  const quote = money === undefined ? null : await quoteFromLedger(ledger, entry)
  const why = money === undefined || quote === null ? null : neverPays(quote, money)
  if (quote === null || why === null) return null
  return { code: 'lacking' in quote ? 'price-missing' : 'beyond-budget', why }
}

/** Of the instance of the newest; a moment of a verification's own is a moment. */
function newestOfEachKind(all: readonly Verification[]): Verification[] {
  const those = all.filter(({ instanceId }) => instanceId === all[0]?.instanceId)
  const isSnapshot = ({ point }: Verification): boolean => point.kind === 'snapshot'
  const [snapshot, moment] = [those.find(isSnapshot), those.find((one) => !isSnapshot(one))]
  return those.filter((one) => one === snapshot || one === moment)
}

/** What was never started has none. */
const isLock = ({ id }: Pick<StepRecord, 'id'>): boolean => id === VERIFY_BACKUP_STEPS.lock.id

/** Newer than the newest verdict, or one that waits for a person, whatever it came to and wherever: its copy costs. One that was aborted is none. */
async function failedWithoutVerdict(
  ledger: Ledger,
  runs: readonly OperationDocument[],
  judged: OperationId | null,
): Promise<Alerting['failedRun']> {
  const stuck = runs.find(({ status }) => status === 'needs-operator')
  if (stuck !== undefined) return { operation: stuck.id, code: stuck.status }
  const over = runs.filter(({ id, status, steps }) => id === judged || (status === 'failed' && steps.some(isLock)))
  const newest = await firstAtHome(ledger, over)
  if (newest === null || newest.id === judged) return null
  return { operation: newest.id, code: newest.failure?.code ?? newest.status }
}

/** The newest of what is at home, if it only planned what runs by the clock do, and failed: where a night is limited by money, nothing is begun without
 *  a plan. */
async function failedPlan(ledger: Ledger, database: string): Promise<Alerting['failedRun']> {
  const newest = await firstAtHome(
    ledger,
    await ledger.listOperations({ database, kind: 'verify-backup', limit: RUNS_LOOKED_AT_MAX }),
  )
  if (newest?.status !== 'failed' || newest.steps.length === 0) return null
  const { mode, bundle } = await ledger.getOrigin(newest.id)
  if (mode !== 'plan' || (await ledger.getBundle(bundle)).verify?.kind !== 'by-turns') return null
  return { operation: newest.id, code: newest.failure?.code ?? newest.status }
}

/** One that goes on for longer than it may, and than the one that it may have waited for: nobody is at work on it, or a defect holds it. Until its
 *  record is closed it keeps its snapshot, and perhaps a copy that costs. */
async function overdueRun(
  ledger: Ledger,
  entry: DatabaseEntry,
  { runs, now }: { runs: readonly OperationDocument[]; now: number },
): Promise<Alerting['failedRun']> {
  for (const { id, startedAt } of runs.filter(({ status }) => !FINAL_STATUSES.includes(status))) {
    const plan = (await ledger.getDocument({ operation: id, name: VERIFY_BACKUP_DOCUMENTS.plan })) as VerificationPlan | null
    const limitMs = Math.max(plan?.withinMs ?? 0, verificationLimitMs(entry))
    if (now - Date.parse(startedAt) > 2 * limitMs) return { operation: id, code: 'it goes on for longer than it may' }
  }
  return null
}

function lastOf({ operation, judgedAt: at, point, verdict, rpoMs, rto }: Verification): VerificationStanding['last'] {
  return { operation, at, point, verdict, rpoMs, rto }
}
