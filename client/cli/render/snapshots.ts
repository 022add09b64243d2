/** Snapshots for people: the plan of taking one, and the list of those there are. */
import type { DatabaseEntry } from '../../../contracts/fleet'
import {
  type ListedSnapshot,
  type PlannedSnapshotCopy,
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
  'last-of-all': 'it was found wanting, and there is no good one: stays until there is',
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
    ...(plan.copies ?? []).flatMap((copy) => copyLines(copy, storage.encrypted)),
    ...snapshotLines(plan.traits),
    '',
    `  plan digest ${plan.digest}`,
  ]
}

function copyLines({ region, snapshot, key, expiring, unreached }: PlannedSnapshotCopy, encrypted: boolean): string[] {
  const unnamed = encrypted ? 'encrypted with the default key there, since the fleet file names none' : 'not encrypted'
  const copied = `  copies it to ${region} as ${oneLine(snapshot)}, ${key === null ? unnamed : `encrypted with ${oneLine(key)}`}`
  if (expiring === null) return [copied, `    ${region} could not be asked what would go there: ${oneLine(unreached ?? '')}`]
  if (expiring.length === 0) return [copied, '    then removes nothing there']
  return [
    copied,
    `    then removes ${counted(expiring.length, 'snapshot')} there:`,
    ...expiring.map((name) => `      ${oneLine(name)}`),
  ]
}

export function snapshotListLines(list: SnapshotList, { paint, now }: { paint: Paint; now: number }): string[] {
  const { snapshots, unreached = [] } = list
  const unknown = unreached.map(({ region, why }) => `${region} could not be asked: ${oneLine(why)}`)
  const where = unreached.length === 0 ? '' : ' where it could be asked'
  if (snapshots.length === 0)
    return [`Instance ${oneLine(list.instance)} has no snapshots that somebody asked for${where}.`, ...unknown]
  const elsewhere = snapshots.some(({ region }) => region !== undefined)
  const place = ({ region = 'its own' }: ListedSnapshot): string[] => (elsewhere ? [region] : [])
  const headings = ['NAME', ...(elsewhere ? ['REGION'] : []), 'STATE', 'AGE', 'KEPT FOR', 'OPERATION', 'WHY IT STAYS']
  const rows = snapshots.map((snapshot) => {
    const [name = '', ...more] = row(snapshot, now)
    return [name, ...place(snapshot), ...more]
  })
  return [...table(headings, rows, paint), ...unknown]
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
