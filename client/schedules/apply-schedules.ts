/** The schedules as the fleet file has them: added, changed, left as they are. What the file does not ask for is removed only where that is asked
 *  for, and never of a database that the file does not have, or of a place for one that it does not have: another fleet file may. Each stands for itself: one that cannot be applied is told, and
 *  the others are. */
import { FAILURES, Failure, type FailureCode } from '../../contracts/failures'
import {
  type DeclaredFleet,
  type DeclaredSchedule,
  parseScheduleId,
  type ScheduledStartInput,
  type ScheduleName,
  scheduleId,
  scheduleOf,
  subjectOf,
  workflowOf,
} from '../../contracts/schedule'
import { ANSWER_TIMEOUT_MS, type Doors } from '../decide'
import { placesOf } from '../places'
import { compareSchedule, type Differences, putSchedule, type Standing, type WantedSchedule } from './put-schedule'
import { inputOf } from './read-schedule'
import { removeSchedule } from './schedules'

export interface Application extends Pick<ScheduledStartInput, 'addedBy' | 'heartbeatTimeoutMs' | 'workflowTaskTimeoutMs'> {
  readonly fleet: DeclaredFleet
  /** What would be done, and nothing is. */
  readonly plan: boolean
  /** Remove what the fleet file does not ask for. */
  readonly prune: boolean
  /** Called as each is done. */
  readonly onDone: (applied: Applied) => void
}

/** `undeclared`: it is there, and the fleet file does not ask for it; `foreign`: nor does it have its database; of a place the one by which it
 *  was asked for last. */
export type AppliedState = Standing['state'] | 'undeclared' | 'foreign' | 'removed' | 'failed'

export type Applied = ScheduleName & Outcome

interface Outcome {
  readonly state: AppliedState
  readonly differences: Differences
  readonly failure: { readonly code: FailureCode; readonly message: string } | null
}

/** Calls at a time: more make a server that does its work one after the other no faster. */
const LANES = 8
const LIST_TIMEOUT_MS = 60_000

/** By database or place, then by kind. Fails only with what would stop all of them: that Temporal or the ledger is away. */
export async function applySchedules(doors: Doors, application: Application): Promise<readonly Applied[]> {
  const { fleet, plan, prune, onDone } = application
  const others = await undeclared(doors, fleet)
  const work = [
    ...fleet.schedules.map((declared) => () => attempted(declared, () => put(doors, declared, application))),
    ...others.map((other) => () => attempted(other.name, () => leave(doors, other, prune && !plan))),
  ].values()
  const applied: Applied[] = []
  const lane = async (): Promise<void> => {
    for (const one of work) {
      const done = await one()
      applied.push(done)
      onDone(done)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return applied.sort((a, b) => (scheduleOrder(a) < scheduleOrder(b) ? -1 : 1))
}

function scheduleOrder(name: ScheduleName): string {
  return `${subjectOf(name)}/${name.kind}`
}

/** Also those that were made by hand. */
async function undeclared(doors: Doors, fleet: DeclaredFleet): Promise<Undeclared[]> {
  const { temporal } = doors
  const declared = new Set(fleet.schedules.map(scheduleId))
  const ours = new Set(fleet.databases.map(({ name }) => name))
  const names = await temporal.within(LIST_TIMEOUT_MS, async () => {
    const found: ScheduleName[] = []
    for await (const { scheduleId: id, action } of temporal.client.schedule.list()) {
      const name = parseScheduleId(id)
      if (name === null || action?.workflowType !== workflowOf(name) || declared.has(id)) continue
      found.push(name)
    }
    return found
  })
  const found: Undeclared[] = []
  for (const name of names) {
    const database = name.kind === 'orphans' ? await askedForBy(doors, name) : name.database
    found.push({ name, foreign: database === null || !ours.has(database) })
  }
  return found
}

/** The database by which a place is looked into. Fleet files may have databases in one place, and not all of them ask for its search. Null: nobody
 *  can say, or it is gone. */
async function askedForBy({ ledger, temporal }: Doors, name: ScheduleName): Promise<string | null> {
  const { ScheduleNotFoundError } = await import('@temporalio/client')
  const handle = temporal.client.schedule.getHandle(scheduleId(name))
  try {
    const { bundle } = inputOf(await temporal.within(ANSWER_TIMEOUT_MS, () => handle.describe()))
    return (await ledger.getBundle(bundle)).database.name
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null
    if (error instanceof Failure && (error.code === 'RESOURCE_NOT_OURS' || error.code === 'BUNDLE_MISSING')) return null
    throw error
  }
}

interface Undeclared {
  readonly name: ScheduleName
  readonly foreign: boolean
}

async function put(doors: Doors, declared: DeclaredSchedule, application: Application): Promise<Standing> {
  const { fleet, plan, addedBy, heartbeatTimeoutMs, workflowTaskTimeoutMs } = application
  const name = scheduleOf(declared.kind, subjectOf(declared))
  const taken = takenFor(name, fleet)
  const wanted = { name, ...taken, ...declared.terms, addedBy, heartbeatTimeoutMs, workflowTaskTimeoutMs }
  return plan ? compareSchedule(doors, wanted) : putSchedule(doors, wanted)
}

function takenFor(name: ScheduleName, { databases }: DeclaredFleet): Pick<WantedSchedule, 'entry' | 'named'> {
  const place = name.kind === 'orphans' ? placesOf(databases).find(({ id }) => id === name.place) : undefined
  const entry = name.kind === 'orphans' ? place?.entry : databases.find((one) => one.name === name.database)
  if (entry === undefined) throw new Error(`the fleet has no ${subjectOf(name)}`)
  return place === undefined ? { entry } : { entry, named: place.named }
}

async function leave(
  doors: Doors,
  { name, foreign }: Undeclared,
  remove: boolean,
): Promise<Pick<Applied, 'state' | 'differences'>> {
  if (foreign) return { state: 'foreign', differences: [] }
  if (!remove) return { state: 'undeclared', differences: [] }
  try {
    await removeSchedule(doors, name)
  } catch (error) {
    // Temporal's list shows one for a moment after it is gone.
    if (!(error instanceof Failure && error.code === 'SCHEDULE_UNKNOWN')) throw error
  }
  return { state: 'removed', differences: [] }
}

async function attempted(name: ScheduleName, act: () => Promise<Pick<Applied, 'state' | 'differences'>>): Promise<Applied> {
  const { kind } = name
  try {
    return { ...scheduleOf(kind, subjectOf(name)), failure: null, ...(await act()) }
  } catch (error) {
    if (!(error instanceof Failure) || FAILURES[error.code] === 'transient') throw error
    const why = { code: error.code, message: error.message }
    return { ...scheduleOf(kind, subjectOf(name)), state: 'failed', differences: [], failure: why }
  }
}
