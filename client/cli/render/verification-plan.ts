/** The plan of a verification for people. */
import type { DatabaseEntry } from '../../../contracts/fleet'
import { shownMoney } from '../../../contracts/money'
import { shownSnapshot } from '../../../contracts/restore-point'
import { shownSize } from '../../../contracts/snapshot'
import { type PlannedPoint, rungLevel, VERIFY_BACKUP_STEPS, type VerificationPlan } from '../../../contracts/verify-backup'
import { duration } from '../../quantities'
import type { Paint } from '../io'
import { oneLine } from './quoted'

const TITLES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.values(VERIFY_BACKUP_STEPS).map(({ id, title }) => [id, title]),
)

export function verificationPlanLines(plan: VerificationPlan, entry: DatabaseEntry, paint: Paint): string[] {
  const { copy, window, objectives } = plan
  const expected = plan.expectedMs === null ? 'nobody knows yet how long' : `the last one took ${duration(plan.expectedMs)}`
  return [
    `${paint('bold', `plan for ${entry.name}`)}  ${oneLine(plan.instance)} (PostgreSQL ${oneLine(plan.engineVersion)})`,
    `  restores ${shownPoint(plan.point)}${plan.turn === null ? '' : ` (${oneLine(plan.turn)})`}`,
    `  as ${oneLine(copy.name)}: class ${oneLine(copy.instanceClass)}, ${shownSize(copy.sizeGib)}, for as long as it takes (${expected}), ${duration(plan.withinMs)} at most; then removes it`,
    ...costLines(plan),
    ...(window === null ? [] : [`  moments that can be restored: ${window.earliest} to ${window.latest}`]),
    ...(plan.inertCopy === 'after-start'
      ? [
          "  the copy runs with the instance's own settings for some minutes, until it is made inert: refused where something in the instance acts by itself",
        ]
      : []),
    '  proves:',
    ...plan.rungs.map(({ id, promised, why }) => {
      const line = `    ${promised ? '✔' : '–'} ${rungLevel(id)} ${TITLES[id]}: ${oneLine(why)}`
      return promised ? line : paint('dim', line)
    }),
    `  against the objectives: rpo ${shownLimit(objectives.rpoMs)}, rto ${shownLimit(objectives.rtoMs)}`,
    '',
    `  plan digest ${plan.digest}`,
  ]
}

function costLines({ cost, withinMs }: VerificationPlan): string[] {
  if (cost === undefined) return []
  if ('lacking' in cost) return [`  what it costs nobody knows: ${oneLine(cost.lacking)}`]
  const { rate, atMostMicros, aboutMicros, capMicros, shortenedFromMs } = cost
  const money = (micros: number): string => shownMoney(micros, rate.currency)
  const about = aboutMicros === null ? '' : `, about ${money(aboutMicros)} if it takes as long as the last one`
  const cap = capMicros === null ? '' : `; ${money(capMicros)} are allowed`
  const shortened =
    shortenedFromMs === null ? '' : `, which pay for ${duration(withinMs)} in place of ${duration(shortenedFromMs)}`
  return [`  costs ${money(atMostMicros)} at most${about}, reckoned by the fleet file's prices${cap}${shortened}`]
}

export function shownPoint(point: PlannedPoint): string {
  switch (point.kind) {
    case 'snapshot':
      return `${oneLine(shownSnapshot(point))}${point.createdAt === null ? '' : ` of ${point.createdAt}`}`
    case 'moment':
      return `the moment ${point.at}`
    case 'now':
      return 'a moment of its own, between two heartbeats that it writes'
  }
}

function shownLimit(ms: number | null): string {
  return ms === null ? 'none declared' : duration(ms)
}
