/** Schedules for people. */
import type { Sweep } from '../../../contracts/orphans'
import { type ListedSchedule, type RunTrouble, type ScheduledRun, scheduleId, subjectOf } from '../../../contracts/schedule'
import { orphanAlerts } from '../../orphan-alerts'
import { counted, duration, grouped, instant } from '../../quantities'
import type { Applied, AppliedState } from '../../schedules/apply-schedules'
import type { Paint } from '../io'
import { oneLine } from './quoted'
import { table } from './table'

/** A line for each, and below it what somebody should know of it. */
export function scheduleLines(schedules: readonly ListedSchedule[], { paint, now }: { paint: Paint; now: number }): string[] {
  const headings = ['DATABASE OR PLACE', 'KIND', 'WHEN', 'NEXT', 'LAST RUN', 'CAME TO']
  const [head = '', ...lines] = table(
    headings,
    schedules.map((schedule) => row(schedule, now)),
    paint,
  )
  const noted = lines.flatMap((line, at) => [line, ...notes(schedules[at], now).map((note) => `  ${paint('yellow', note)}`)])
  return [head, ...noted]
}

function row(schedule: ListedSchedule, now: number): string[] {
  const { kind, when, paused, next, runs, sweep } = schedule
  const [soonest] = next
  const due = paused ? 'paused' : soonest === undefined ? 'never' : `in ${duration(Math.max(0, Date.parse(soonest) - now))}`
  const last = sweep?.at ?? runs[0]?.startedAt
  const ran = last === undefined ? 'none yet' : `${duration(Math.max(0, now - Date.parse(last)))} ago`
  return [subjectOf(schedule), kind, when, due, ran, sweep === null ? cameTo(runs) : sweptTo(sweep)].map(oneLine)
}

/** What it removed, and how many orphans are there still. */
function sweptTo({ failure, instances, removals }: Sweep): string {
  if (failure !== null) return `failed (${failure.code})`
  const left = instances.filter(({ standing }) => standing === 'orphan').length
  const removed = `${grouped(removals.filter((one) => one.removed).length)} removed`
  return left === 0 ? removed : `${removed}, ${counted(left, 'orphan')} left`
}

/** Of the last one in words, of those before as many as ended well. */
function cameTo(runs: readonly ScheduledRun[]): string {
  const [last, ...before] = runs
  if (last === undefined) return ''
  const outcome = last.verdict === null ? last.status : `${last.status} (${last.verdict})`
  const well = before.filter(({ status }) => status === 'succeeded').length
  return before.length === 0 ? outcome : `${outcome}, before that ${well} of ${before.length} succeeded`
}

function notes(schedule: ListedSchedule | undefined, now: number): string[] {
  if (schedule === undefined) return []
  const { kind, paused, note, runs, sweep, entry, details } = schedule
  const subject = subjectOf(schedule)
  const isSweep = kind === 'orphans'
  const [last] = runs
  const goesOn = last !== undefined && last.finishedAt === null
  const waits = !goesOn && details?.running === true && !isSweep
  const { skipped = 0, missed = 0, trouble = null } = details ?? {}
  return [
    ...(paused ? [`paused by ${oneLine(note ?? 'somebody')}`] : []),
    ...(goesOn ? [`runs now: capstan ops watch ${last.operation}`] : []),
    ...(last?.waitsFor ? [`waits for ${last.waitsFor}, which holds the lock of the instance`] : []),
    ...(isSweep && details?.running === true ? ['runs now, or waits for a worker'] : []),
    ...orphanAlerts(sweep, { terms: null, now }).map(({ message }) => oneLine(message)),
    ...(trouble && !(isSweep && told(trouble, sweep)) ? [troubleNote(trouble, isSweep)] : []),
    ...(waits && !trouble ? ['begun; no worker has taken it up yet'] : []),
    ...(skipped > 0 ? [`${counted(skipped, 'run')} left out, because the one before had not ended`] : []),
    ...(missed > 0 ? [`${counted(missed, 'run')} missed, because Temporal was away for longer than the catch-up window`] : []),
    ...(entry === 'changed'
      ? [`the fleet file has changed since: capstan schedule ${isSweep ? 'apply' : `add ${kind} ${subject} … again`}`]
      : []),
    ...(entry === 'gone'
      ? [`the fleet file has no such ${isSweep ? 'place' : 'database'}: capstan schedule remove ${kind} ${subject}`]
      : []),
  ]
}

/** A search that failed has written that down itself. */
function told({ state }: RunTrouble, sweep: Sweep | null): boolean {
  return state === 'failed' && sweep !== null && sweep.failure !== null
}

function troubleNote({ at, state, code, message }: RunTrouble, isSweep: boolean): string {
  const goesOn = isSweep ? 'tries again' : 'cannot open its operation yet, and tries again'
  const what = state === 'retrying' ? goesOn : `ended ${state}`
  return `the run of ${instant(at)} ${what}: ${code === null ? '' : `[${code}] `}${oneLine(message)}`
}

const WOULD: Readonly<Record<AppliedState, string>> = {
  added: 'would be added',
  changed: 'would be changed',
  unchanged: 'stays as it is',
  undeclared: 'is not in the fleet file; --prune removes it',
  foreign: 'is of a database that this fleet file does not have, or was asked for by one',
  removed: 'would be removed',
  failed: 'would fail',
}
const DONE: Readonly<Record<AppliedState, string>> = {
  ...WOULD,
  added: 'added',
  changed: 'changed',
  removed: 'removed',
  failed: 'failed',
}

export function appliedLine(applied: Applied, { plan, prune }: { plan: boolean; prune: boolean }): string {
  const { state, differences, failure } = applied
  const what = plan && prune && state === 'undeclared' ? WOULD.removed : (plan ? WOULD : DONE)[state]
  const why = failure === null ? differences.join(', ') : `[${failure.code}] ${oneLine(failure.message)}`
  return `${scheduleId(applied)}: ${what}${why === '' ? '' : `: ${why}`}`
}

/** `2 added, 1 unchanged`; in a plan what would be so. */
export function appliedSummary(counts: Partial<Record<AppliedState, number>>, plan: boolean): string {
  const order = ['added', 'changed', 'removed', 'unchanged', 'undeclared', 'foreign', 'failed'] as const
  const parts = order.flatMap((state) => (counts[state] === undefined ? [] : [`${grouped(counts[state])} ${state}`]))
  if (parts.length === 0) return 'The fleet file asks for no schedules, and there are none.'
  return `${plan ? 'Planned: ' : ''}${parts.join(', ')}.`
}
