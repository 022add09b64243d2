/** The plan of a verification for people. */
import type { DatabaseEntry } from '../../../contracts/fleet'
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

export function shownPoint(point: PlannedPoint): string {
  switch (point.kind) {
    case 'snapshot':
      return `snapshot ${oneLine(point.snapshot)}${point.createdAt === null ? '' : ` of ${point.createdAt}`}`
    case 'moment':
      return `the moment ${point.at}`
    case 'now':
      return 'a moment of its own, between two heartbeats that it writes'
  }
}

function shownLimit(ms: number | null): string {
  return ms === null ? 'none declared' : duration(ms)
}
