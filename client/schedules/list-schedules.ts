/** Which schedules there are: when each runs next, what its last runs came to, and whether the fleet file still says what it works by. Of a whole
 *  fleet Temporal tells it in one answer; what it has to be asked for one by one is told of the schedules of one database. */
import type { ScheduleDescription, ScheduleSummary } from '@temporalio/client'
import { Failure } from '../../contracts/failures'
import { SEARCH_ATTRIBUTES } from '../../contracts/messages'
import {
  type EntryStanding,
  type ListedSchedule,
  parseScheduleId,
  SCHEDULED_KINDS,
  SCHEDULED_START_WORKFLOW,
  type ScheduleDetails,
  type ScheduledRun,
  type ScheduledStartInput,
  type ScheduleName,
  scheduleId,
  scheduleRequester,
} from '../../contracts/schedule'
import { sha256Of } from '../../ledger/digest'
import { ANSWER_TIMEOUT_MS, type Doors } from '../decide'
import type { LoadedFleet } from '../fleet/read-fleet'
import type { TemporalDoor } from '../temporal'
import { scheduledBundle } from './bundle'
import { lastTrouble } from './last-start'
import { inputOf } from './read-schedule'
import { specWords } from './spec-words'

export interface SchedulesQuestion {
  /** Null: of all databases. Temporal lists what is new only after a moment; the schedules of one database are found at once. */
  readonly database: string | null
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
  readonly bundle: string | undefined
  readonly details: ScheduleDetails | null
}

/** By database, then by kind. Fails with the codes of Temporal and the ledger. */
export async function listSchedules({ ledger, temporal }: Doors, question: SchedulesQuestion): Promise<ListedSchedule[]> {
  const { database, fleet } = question
  const found = database === null ? await findAll(temporal) : await findOf(temporal, database)
  const requesters = found.map(({ name }) => scheduleRequester(name))
  const runs = await ledger.listScheduledRuns({ requesters, each: question.runs })
  const bundles = fleet && new Map(fleet.databases.map((entry) => [entry.name, sha256Of(scheduledBundle(entry))]))
  return found
    .map((one) => listed(one, { runs: runs.get(scheduleRequester(one.name)) ?? [], entry: standingOf(one, bundles) }))
    .sort((a, b) => compare(a.database, b.database) || compare(a.kind, b.kind))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

async function findAll(temporal: TemporalDoor): Promise<Found[]> {
  return temporal.within(LIST_TIMEOUT_MS, async () => {
    const found: Found[] = []
    for await (const told of temporal.client.schedule.list()) {
      const name = parseScheduleId(told.scheduleId)
      if (name === null || told.action?.workflowType !== SCHEDULED_START_WORKFLOW) continue
      const attributes = told.typedSearchAttributes?.getAll() ?? []
      const bundle = attributes.find(({ key }) => key.name === SEARCH_ATTRIBUTES.bundle)?.value
      found.push({ name, told, bundle: bundle === undefined ? undefined : String(bundle), details: null })
    }
    return found
  })
}

async function findOf(temporal: TemporalDoor, database: string): Promise<Found[]> {
  const found = await Promise.all(SCHEDULED_KINDS.map((kind) => describe(temporal, { kind, database })))
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
    return { name, told, bundle: input.bundle, details: { ...detailsOf(told, input), trouble } }
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null
    if (error instanceof Failure && error.code === 'RESOURCE_NOT_OURS') return null
    throw error
  }
}

function detailsOf(
  { policies, info }: ScheduleDescription,
  { addedBy, waitForLockMs }: ScheduledStartInput,
): Omit<ScheduleDetails, 'trouble'> {
  return {
    addedBy,
    catchUpMs: policies.catchupWindow,
    waitForLockMs,
    running: info.runningActions.length > 0,
    skipped: info.numActionsSkippedOverlap,
    missed: info.numActionsMissedCatchupWindow,
  }
}

function standingOf({ name, bundle }: Found, bundles: ReadonlyMap<string, string> | null): EntryStanding {
  if (bundles === null) return 'unknown'
  const now = bundles.get(name.database)
  if (now === undefined) return 'gone'
  return now === bundle ? 'same' : 'changed'
}

function listed(
  { name, told, details }: Found,
  { runs, entry }: { runs: readonly ScheduledRun[]; entry: EntryStanding },
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
    entry,
    details,
  }
}
