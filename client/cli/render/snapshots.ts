/** Snapshots for people: the plan of taking one, and the list of those there are. */
import type { DatabaseEntry } from '../../../contracts/fleet'
import {
  type ListedSnapshot,
  type SnapshotList,
  type SnapshotPlan,
  type SnapshotStanding,
  shownKept,
  shownSize,
} from '../../../contracts/snapshot'
import { counted } from '../../quantities'
import type { Paint } from '../io'
import { oneLine } from './quoted'
import { table } from './table'
import { snapshotLines } from './traits'

const STANDINGS: Record<SnapshotStanding, string> = {
  'not-ours': 'not ours: never removed',
  'other-instance': 'of an earlier instance of that name',
  'being-made': 'being made',
  'being-removed': 'being removed',
  'in-use': 'its operation still runs',
  'no-retention': 'without a retention: never removed',
  'within-retention': 'within its retention',
  'last-good': 'the last good one: stays until there is a newer one',
  'last-of-all': 'a verification found it wanting, and there is no good one: stays until there is',
  'last-proven': 'the last one that a verification proved: stays until there is a newer one',
  'being-verified': 'a verification restores it just now',
  expired: 'expired: goes with the next expiry',
}

export function snapshotPlanLines(plan: SnapshotPlan, entry: DatabaseEntry, paint: Paint): string[] {
  const { storage } = plan
  const [instance, engineVersion, snapshot] = [plan.instance, plan.engineVersion, plan.snapshot].map(oneLine)
  const expiring = plan.expiring.map(oneLine)
  const kind = storage.encrypted ? 'encrypted' : 'not encrypted'
  return [
    `${paint('bold', `plan for ${entry.name}`)}  ${instance} (PostgreSQL ${engineVersion}), ${shownSize(storage.sizeGib)}, ${kind}`,
    `  takes ${snapshot}, kept ${shownKept(plan)}`,
    expiring.length === 0 ? '  then removes nothing' : `  then removes ${counted(expiring.length, 'snapshot')}:`,
    ...expiring.map((name) => `    ${name}`),
    ...snapshotLines(plan.traits),
    '',
    `  plan digest ${plan.digest}`,
  ]
}

export function snapshotListLines(list: SnapshotList, { paint, now }: { paint: Paint; now: number }): string[] {
  if (list.snapshots.length === 0) return [`Instance ${oneLine(list.instance)} has no snapshots that somebody asked for.`]
  const headings = ['NAME', 'STATE', 'AGE', 'KEPT FOR', 'OPERATION', 'WHY IT STAYS']
  return table(
    headings,
    list.snapshots.map((snapshot) => row(snapshot, now)),
    paint,
  )
}

function row(snapshot: ListedSnapshot, now: number): string[] {
  const { name, state, createdAt, expiresAt, operation } = snapshot
  const age = createdAt === null ? '' : showAge(now - Date.parse(createdAt))
  const left = expiresAt === null ? '' : Date.parse(expiresAt) <= now ? 'over' : `${showAge(Date.parse(expiresAt) - now)} more`
  return [name, state, age, left, operation ?? '', whyItStays(snapshot)]
}

/** `within its retention: daily, monthly`. */
function whyItStays({ standing, generations = [] }: ListedSnapshot): string {
  const as = standing === 'within-retention' && generations.length > 0 ? `: ${generations.join(', ')}` : ''
  return `${STANDINGS[standing]}${as}`
}

const MINUTE_MS = 60_000

/** `5 min`, `7 h`, `12 d`: snapshots are kept for days. */
function showAge(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / MINUTE_MS))
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`
}
