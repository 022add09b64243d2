/** What of a place's orphans somebody has to hear of: what goes on costing and nobody removes, and that nobody looks. Codes are for machines and stay
 *  as they are. */
import type { CopyStanding, Sweep, SweptInstance } from '../contracts/orphans'
import type { ScheduleTerms } from '../contracts/schedule'
import type { Alert as AlertOf } from './prometheus'
import { instant } from './quantities'
import { gapMs } from './schedules/timing'

export const ORPHAN_ALERT_CODES = ['not-swept', 'sweep-failed', 'removal-failed', 'unclaimed', 'overdue'] as const
type OrphanAlertCode = (typeof ORPHAN_ALERT_CODES)[number]
export type OrphanAlert = AlertOf<OrphanAlertCode>

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Beyond two gaps: a run waits for each removal, and one may take a cloud an hour. */
const SWEEP_MS_MAX = 2 * HOUR_MS

/** How long an instance may be there as it is. `at-work`: a verification may take seven days. Others': their control plane has work of its own. */
const LONGEST_MS: Readonly<Partial<Record<CopyStanding, number>>> = {
  'at-work': 8 * DAY_MS,
  'being-removed': DAY_MS,
  'unknown-operation': DAY_MS,
  'not-ours': DAY_MS,
}

/** In the order of the codes. `now`: in milliseconds. Null terms: whether it runs often enough nobody asks. Pure. */
export function orphanAlerts(
  sweep: Sweep | null,
  { terms, now }: { terms: ScheduleTerms | null; now: number },
): readonly OrphanAlert[] {
  const { instances = [], removals = [], failure = null } = sweep ?? {}
  const overdue = instances.filter((one) => isOverdue(one, now))
  const isUnclaimed = ({ standing }: SweptInstance): boolean => standing === 'unknown-operation' || standing === 'not-ours'
  const alert = (code: OrphanAlertCode, message: string): OrphanAlert => ({ code, message })
  return [
    ...(terms !== null ? lateness(sweep, terms, now).map((message) => alert('not-swept', message)) : []),
    ...(failure === null ? [] : [alert('sweep-failed', `The last run could not look: ${failure.code}: ${failure.message}`)]),
    ...removals.flatMap(({ name, failure: why }) =>
      why === null ? [] : [alert('removal-failed', `${name} is an orphan, costs, and could not be removed: ${why}`)],
    ),
    ...overdue
      .filter(isUnclaimed)
      .map((one) => alert('unclaimed', `${one.name} ${UNCLAIMED[one.standing] ?? ''}, since ${instant(one.since)}.`)),
    ...overdue.filter((one) => !isUnclaimed(one)).map((one) => alert('overdue', overdueMessage(one))),
  ]
}

const UNCLAIMED: Readonly<Partial<Record<CopyStanding, string>>> = {
  'unknown-operation': 'is of an operation that this ledger does not know, and is there',
  'not-ours': 'is named as copies are, its tags do not say whose it is, and it is there',
}

/** Of what is kept its end counts, whenever it was seen first. */
function isOverdue({ standing, since, expiresAt }: SweptInstance, now: number): boolean {
  if (standing === 'kept') return expiresAt !== null && now - Date.parse(expiresAt) > DAY_MS
  const longestMs = LONGEST_MS[standing]
  return longestMs !== undefined && now - Date.parse(since) > longestMs
}

function overdueMessage({ name, standing, since, expiresAt, operation }: SweptInstance): string {
  if (standing === 'kept') return `${name} was kept until ${instant(expiresAt ?? since)}, and its retirement has not removed it.`
  if (standing === 'being-removed') return `${name} has been on its way out since ${instant(since)}, and is still there.`
  return `${name} is held by ${operation}, which has been open since ${instant(since)} or longer: look with "capstan ops show ${operation}".`
}

function lateness(sweep: Sweep | null, { timing, jitterMs }: ScheduleTerms, now: number): string[] {
  const listedAt = sweep?.listedAt ?? null
  if (listedAt === null) return ['No run has looked for orphans here yet: see "capstan schedule list".']
  const lateMs = 2 * gapMs(timing) + jitterMs + SWEEP_MS_MAX
  if (now - Date.parse(listedAt) <= lateMs) return []
  return [`No run has looked for orphans here since ${instant(listedAt)}: see "capstan schedule list".`]
}
