/** Which schedules there are: when each runs next, what its last runs came to, and whether the fleet file still says what it works by. Of a whole
 *  fleet Temporal tells it in one answer; what it has to be asked for one by one is told of the schedules of one database. */
import type { ScheduleDescription, ScheduleSummary } from '@temporalio/client'
import { Failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import { SEARCH_ATTRIBUTES } from '../../contracts/messages'
import type { Sweep } from '../../contracts/orphans'
import {
  type EntryStanding,
  type ListedSchedule,
  parseScheduleId,
  SCHEDULED_KINDS,
  type ScheduleDetails,
  type ScheduledRun,
  type ScheduleName,
  scheduleId,
  scheduleRequester,
  subjectOf,
  workflowOf,
} from '../../contracts/schedule'
import { sha256Of } from '../../ledger/digest'
import { ANSWER_TIMEOUT_MS, type Doors } from '../decide'
import type { LoadedFleet } from '../fleet/read-fleet'
import { placesOf } from '../places'
import type { TemporalDoor } from '../temporal'
import { scheduledBundle } from './bundle'
import { lastTrouble } from './last-start'
import { inputOf, type Taken, type ToldInput, takenFromFleet, takesAll, waitForLockMsOf } from './read-schedule'
import { specWords } from './spec-words'

export interface SchedulesQuestion {
  /** Null: of all databases and places. Temporal lists what is new only after a moment; the schedules of one of them are found at once. */
  readonly of: { readonly database: string } | { readonly place: string } | null
  /** Null: none is at hand. */
  readonly fleet: LoadedFleet | null
  /** Of each schedule at most so many. */
  readonly runs: number
}

/** For the whole list. */
const LIST_TIMEOUT_MS = 60_000

/** What a list and a description have in common, read. */
interface Found {
  readonly name: ScheduleName
  readonly told: Pick<ScheduleSummary, 'spec' | 'state'> & { readonly info: { readonly nextActionTimes: readonly Date[] } }
  /** Undefined: somebody took it away. */
  readonly taken: Taken | undefined
  readonly details: ScheduleDetails | null
}

/** By database or place, then by kind. Fails with the codes of Temporal and the ledger. */
export async function listSchedules({ ledger, temporal }: Doors, question: SchedulesQuestion): Promise<ListedSchedule[]> {
  const { of, fleet } = question
  const found = of === null ? await findAll(temporal) : await findOf(temporal, of)
  const requesters = found.flatMap(({ name }) => (name.kind === 'orphans' ? [] : [scheduleRequester(name)]))
  const runs = await ledger.listScheduledRuns({ requesters, each: question.runs })
  const taken = fleet && takenNow(fleet)
  const schedules: ListedSchedule[] = []
  for (const one of found) {
    const { name } = one
    const isSweep = name.kind === 'orphans'
    const came = {
      runs: isSweep ? [] : (runs.get(scheduleRequester(name)) ?? []),
      sweep: isSweep ? await ledger.getSweep(name.place) : null,
    }
    schedules.push(listed(one, { ...came, entry: standingOf(one, taken) }))
  }
  return schedules.sort((a, b) => compare(subjectOf(a), subjectOf(b)) || compare(a.kind, b.kind))
}

/** By the database's name, and by the place. */
function takenNow({ databases }: LoadedFleet): ReadonlyMap<string, Taken> {
  const bundleOf = (entry: DatabaseEntry): string => sha256Of(scheduledBundle(entry))
  return new Map([
    ...databases.map((entry): [string, Taken] => [entry.name, { bundle: bundleOf(entry), named: [] }]),
    ...placesOf(databases).map(({ id, entry, named }): [string, Taken] => [id, { bundle: bundleOf(entry), named }]),
  ])
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

async function findAll(temporal: TemporalDoor): Promise<Found[]> {
  const all = await temporal.within(LIST_TIMEOUT_MS, async () => {
    const found: Found[] = []
    for await (const told of temporal.client.schedule.list()) {
      const name = parseScheduleId(told.scheduleId)
      if (name === null || told.action?.workflowType !== workflowOf(name)) continue
      const attributes = told.typedSearchAttributes?.getAll() ?? []
      const taken = attributes.find(({ key }) => key.name === SEARCH_ATTRIBUTES.bundle)?.value
      found.push({ name, told, taken: taken === undefined ? undefined : { bundle: String(taken), named: [] }, details: null })
    }
    return found
  })
  // Few, and a list does not show what they were told.
  const sweeps = all.filter(({ name }) => name.kind === 'orphans')
  const told = new Map<string, Found>()
  for (const { name } of sweeps) {
    const described = await describe(temporal, name)
    if (described !== null) told.set(scheduleId(name), described)
  }
  return all.map((one) => ({ ...one, taken: told.get(scheduleId(one.name))?.taken ?? one.taken }))
}

async function findOf(temporal: TemporalDoor, of: NonNullable<SchedulesQuestion['of']>): Promise<Found[]> {
  const names: ScheduleName[] =
    'place' in of ? [{ kind: 'orphans', place: of.place }] : SCHEDULED_KINDS.map((kind) => ({ kind, database: of.database }))
  const found = await Promise.all(names.map((name) => describe(temporal, name)))
  return found.filter((one) => one !== null)
}

/** Null: there is none, or it is somebody else's. */
async function describe(temporal: TemporalDoor, name: ScheduleName): Promise<Found | null> {
  const { ScheduleNotFoundError } = await import('@temporalio/client')
  const handle = temporal.client.schedule.getHandle(scheduleId(name))
  try {
    const told = await temporal.within(ANSWER_TIMEOUT_MS, () => handle.describe())
    const input = inputOf(told)
    const trouble = await lastTrouble(temporal, told)
    return { name, told, taken: takenFromFleet(input), details: { ...detailsOf(told, input), trouble } }
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null
    if (error instanceof Failure && error.code === 'RESOURCE_NOT_OURS') return null
    throw error
  }
}

function detailsOf({ policies, info }: ScheduleDescription, input: ToldInput): Omit<ScheduleDetails, 'trouble'> {
  return {
    addedBy: input.addedBy,
    catchUpMs: policies.catchupWindow,
    waitForLockMs: waitForLockMsOf(input),
    running: info.runningActions.length > 0,
    skipped: info.numActionsSkippedOverlap,
    missed: info.numActionsMissedCatchupWindow,
  }
}

function standingOf({ name, taken }: Found, all: ReadonlyMap<string, Taken> | null): EntryStanding {
  if (all === null) return 'unknown'
  const now = all.get(subjectOf(name))
  if (now === undefined) return 'gone'
  return taken !== undefined && takesAll(taken, now) ? 'same' : 'changed'
}

function listed(
  { name, told, details }: Found,
  { runs, sweep, entry }: { runs: readonly ScheduledRun[]; sweep: Sweep | null; entry: EntryStanding },
): ListedSchedule {
  const { spec, state, info } = told
  return {
    id: scheduleId(name),
    ...name,
    when: spec === undefined ? 'unknown' : specWords(spec),
    jitterMs: spec?.jitter ?? 0,
    paused: state.paused,
    note: state.note || null,
    next: info.nextActionTimes.map((time) => time.toISOString()),
    runs,
    sweep,
    entry,
    details,
  }
}
