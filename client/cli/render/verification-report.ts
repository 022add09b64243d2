/** The fleet's verifications as a table. */
import type { PlannedPoint } from '../../../contracts/verify-backup'
import { duration } from '../../quantities'
import type { VerificationStanding } from '../../verification-report'
import type { Paint } from '../io'
import { table } from './table'

export function verificationReportLines(standings: readonly VerificationStanding[], paint: Paint): string[] {
  if (standings.length === 0) return ['The fleet file has no databases.']
  const headings = ['DATABASE', 'PROVEN', 'OBJECTIVE', 'LAST', 'POINT', 'VERDICT', 'RPO', 'RTO']
  const alerts = standings.flatMap(({ database, alerts: raised }) =>
    raised.map(({ code, message }) => `${paint('red', '✖')} ${database}: ${code}: ${message}`),
  )
  return [...table(headings, standings.map(row), paint), ...(alerts.length === 0 ? [] : ['', ...alerts])]
}

function row({ database, ageMs, provenPoint, objectives, stale, last }: VerificationStanding): string[] {
  const { verifyEveryHours, rpoMs, rtoMs } = objectives
  const lastOne = last === null ? '' : shownPoint(last.point)
  const which = provenPoint === null ? '' : shownPoint(provenPoint)
  const another = which === lastOne ? '' : `, ${which}`
  const proven = ageMs === null ? 'never' : `${duration(ageMs)} ago${another}`
  return [
    database,
    stale ? `${proven} (too old)` : proven,
    verifyEveryHours === null ? 'none' : `every ${duration(verifyEveryHours * 3_600_000)}`,
    last?.at ?? '',
    lastOne,
    last?.verdict ?? '',
    against(last?.rpoMs ?? null, rpoMs),
    against(last?.rto?.totalMs ?? null, rtoMs),
  ]
}

function shownPoint(point: PlannedPoint): string {
  switch (point.kind) {
    case 'snapshot':
      return point.snapshot
    case 'moment':
      return point.at
    case 'now':
      return 'now'
  }
}

/** `2.1 s of 5 min` */
function against(measured: number | null, allowed: number | null): string {
  if (measured === null) return ''
  return allowed === null ? duration(measured) : `${duration(measured)} of ${duration(allowed)}`
}
