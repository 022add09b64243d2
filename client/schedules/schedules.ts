/** Schedules that there are, as people change them: paused, resumed, run at once, removed. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ScheduleHandle } from '@temporalio/client'
import { failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import { type ScheduleName, scheduleId, scheduleRequester } from '../../contracts/schedule'
import type { Ledger } from '../../ledger/ledger'
import { ANSWER_TIMEOUT_MS, type Doors } from '../decide'
import type { TemporalDoor } from '../temporal'
import { inputOf } from './read-schedule'
import { refusedTimes, shownName, unknownSchedule } from './refusals'

/** A paused one runs no more by the clock until it is resumed; what falls into the pause is not made up for. Fails with SCHEDULE_UNKNOWN. */
export async function pauseSchedule({ temporal }: Doors, name: ScheduleName, { by, note }: Said): Promise<void> {
  await change(temporal, name, (handle) => handle.pause(`${by}: ${note}`))
}

/** Fails with SCHEDULE_UNKNOWN. */
export async function resumeSchedule({ temporal }: Doors, name: ScheduleName, { by, note }: Said): Promise<void> {
  await change(temporal, name, (handle) => handle.unpause(`${by}: ${note}`))
}

/** An operation that it has started goes on. Fails with SCHEDULE_UNKNOWN. */
export async function removeSchedule({ temporal }: Doors, name: ScheduleName): Promise<void> {
  await change(temporal, name, (handle) => handle.delete())
}

export interface Said {
  readonly by: string
  readonly note: string
}

/** Runs it now, paused or not. Resolves to the operation; null: it was begun, and waits for a worker, or is no operation. Fails with SCHEDULE_UNKNOWN, SCHEDULE_BUSY
 *  while a run of it goes on, or NOT_READY_YET when Temporal did not begin it in time. */
export async function runSchedule({ ledger, temporal }: Doors, name: ScheduleName): Promise<{ operation: OperationId | null }> {
  const handle = temporal.client.schedule.getHandle(scheduleId(name))
  const before = await asked(temporal, name, () => handle.describe())
  inputOf(before)
  const newest = await newestOf(ledger, name)
  if (before.info.runningActions.length > 0) throw busy(name, newest)
  const hasBegun = async (): Promise<boolean> =>
    (await asked(temporal, name, () => handle.describe())).info.numActionsTaken > before.info.numActionsTaken
  await asked(temporal, name, () => handle.trigger('SKIP'))
  const operation = await appeared(ledger, name, { newest, hasBegun })
  if (operation !== null || (await hasBegun())) return { operation }
  const message = `Temporal did not begin ${shownName(name)} within ${ANSWER_TIMEOUT_MS / 1000} s; look with "capstan schedule list".`
  throw failure('NOT_READY_YET', message, { schedule: scheduleId(name) })
}

function busy(name: ScheduleName, newest: OperationId | null): Error {
  const what =
    name.kind === 'orphans'
      ? 'or waits for a worker'
      : newest === null
        ? 'and waits for a worker'
        : `as ${newest}: "capstan ops watch ${newest}" follows it`
  return failure('SCHEDULE_BUSY', `The ${shownName(name)} is running already, ${what}.`, { schedule: scheduleId(name) })
}

/** Null too where its runs are no operations. */
async function newestOf(ledger: Ledger, name: ScheduleName): Promise<OperationId | null> {
  if (name.kind === 'orphans') return null
  const requester = scheduleRequester(name)
  const runs = await ledger.listScheduledRuns({ requesters: [requester], each: 1 })
  return runs.get(requester)?.[0]?.operation ?? null
}

const LOOK_EVERY_MS = 100

async function appeared(
  ledger: Ledger,
  name: ScheduleName,
  before: { newest: OperationId | null; hasBegun: () => Promise<boolean> },
): Promise<OperationId | null> {
  const deadline = Date.now() + ANSWER_TIMEOUT_MS
  while (Date.now() < deadline) {
    if (name.kind === 'orphans' && (await before.hasBegun())) return null
    const newest = await newestOf(ledger, name)
    if (newest !== before.newest) return newest
    await sleep(LOOK_EVERY_MS)
  }
  return null
}

/** Looks first: nobody pauses or removes what only has a name of ours. */
async function change(temporal: TemporalDoor, name: ScheduleName, act: (handle: ScheduleHandle) => Promise<void>): Promise<void> {
  const handle = temporal.client.schedule.getHandle(scheduleId(name))
  inputOf(await asked(temporal, name, () => handle.describe()))
  await asked(temporal, name, () => act(handle))
}

async function asked<T>(temporal: TemporalDoor, name: ScheduleName, ask: () => Promise<T>): Promise<T> {
  const { ScheduleNotFoundError } = await import('@temporalio/client')
  try {
    return await temporal.within(ANSWER_TIMEOUT_MS, ask)
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) throw unknownSchedule(name)
    throw refusedTimes(error, temporal)
  }
}
