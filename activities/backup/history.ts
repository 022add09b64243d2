/** What earlier verifications tell of the next one. */
import type { OperationDocument } from '../../contracts/operation'
import {
  isElsewhere,
  type PointKind,
  VERIFY_BACKUP_DOCUMENTS,
  VERIFY_BACKUP_STEPS,
  type Verification,
  type VerificationPlan,
} from '../../contracts/verify-backup'
import type { Ledger } from '../../ledger/ledger'
import { listVerifications } from '../../ledger/verifications'

const LOOKED_AT_MAX = 30

/** As long as the newest one took that restored the same kind of point; null: none did. */
export async function expectedMs(ledger: Ledger, database: string, wanted: PointKind): Promise<number | null> {
  const earlier = await listVerifications(ledger, { database, limit: LOOKED_AT_MAX })
  return earlier.find(({ point, rto }) => rto !== null && isAlike(point, wanted))?.rto?.totalMs ?? null
}

/** What takes how long in another region says nothing of this one. */
function isAlike(point: PointKind, other: PointKind): boolean {
  return (point.kind === 'snapshot') === (other.kind === 'snapshot') && isElsewhere(point) === isElsewhere(other)
}

/** What the time of a run has to be, as far as those before it tell: its clock begins with its plan, long before there is a copy. */
export interface NeededTime {
  /** From its plan until its last rung had spoken, of the newest that restored the same kind of point; null: none did. */
  readonly tookMs: number | null
  /** The time that a cap gave to each of the last two, or more, and that was over before they were; null: there were none, or one, which may have
   *  hung. */
  readonly ranOutOfMs: number | null
}

export async function neededTime(ledger: Ledger, database: string, wanted: PointKind): Promise<NeededTime> {
  const runs = await ledger.listOperations({ database, kind: 'verify-backup', mode: 'apply', limit: LOOKED_AT_MAX })
  const ranOut: number[] = []
  let tookMs: number | null = null
  for (const run of runs) {
    const read = (name: string): Promise<unknown> => ledger.getDocument({ operation: run.id, name })
    const plan = (await read(VERIFY_BACKUP_DOCUMENTS.plan)) as VerificationPlan | null
    if (plan === null || !isAlike(plan.point, wanted)) continue
    const verification = (await read(VERIFY_BACKUP_DOCUMENTS.verification)) as Verification | null
    tookMs = verification === null ? null : wholeMs(run, verification)
    if (tookMs !== null) break
    if (run.failure?.code === 'VERIFICATION_TIMED_OUT' && isCapped(plan)) ranOut.push(plan.withinMs)
  }
  return { tookMs, ranOutOfMs: ranOut.length < 2 ? null : Math.min(...ranOut.slice(0, 2)) }
}

/** Null: it restored nothing. Damage done on purpose takes no verdict with it where no time is left. */
function wholeMs({ steps }: OperationDocument, { rto, judgedAt }: Verification): number | null {
  if (rto === null) return null
  const begunAt = (id: string): string | undefined => steps.find((step) => step.id === id)?.startedAt
  const { plan, control, judge } = VERIFY_BACKUP_STEPS
  const plannedAt = begunAt(plan.id)
  if (plannedAt === undefined) return rto.totalMs
  const until = begunAt(control.id) ?? begunAt(judge.id) ?? judgedAt
  return Math.max(rto.totalMs, Date.parse(until) - Date.parse(plannedAt))
}

function isCapped({ cost }: VerificationPlan): boolean {
  return cost !== undefined && !('lacking' in cost) && cost.shortenedFromMs !== null
}
