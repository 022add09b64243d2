/** A schedule as it should be: made, or changed where it differs. The ledger holds the fleet entry that its runs work by. */
import type { ScheduleDescription, ScheduleUpdateOptions } from '@temporalio/client'
import type { TypedSearchAttributes } from '@temporalio/common'
import type { DatabaseEntry } from '../../contracts/fleet'
import { SEARCH_ATTRIBUTES, TASK_QUEUES } from '../../contracts/messages'
import type { Sha256 } from '../../contracts/operation'
import { type ScheduledStartInput, type ScheduleName, type ScheduleTerms, scheduleId, workflowOf } from '../../contracts/schedule'
import { sha256Of } from '../../ledger/digest'
import { ANSWER_TIMEOUT_MS, type Doors } from '../decide'
import { scheduledBundle } from './bundle'
import { inputOf, type ToldInput, takenFromFleet, takesAll, toldToo, waitForLockMsOf } from './read-schedule'
import { refusedTimes, unknownSchedule } from './refusals'
import { runsAt } from './times'
import { specOf, timingWords } from './timing'
import { updateSchedule } from './update-schedule'

export interface WantedSchedule
  extends ScheduleTerms,
    Pick<ScheduledStartInput, 'addedBy' | 'heartbeatTimeoutMs' | 'workflowTaskTimeoutMs'> {
  readonly name: ScheduleName
  /** Of the database; of a place one of its databases. */
  readonly entry: DatabaseEntry
  /** Of a place, as `SweepInput` has them. */
  readonly named?: readonly string[]
}

/** What of it is not as it should be, in words. */
export type Differences = readonly string[]

export interface Standing {
  readonly state: 'added' | 'changed' | 'unchanged'
  /** Of one that is changed. */
  readonly differences: Differences
}

/** Adds it, or gives the one that is there these terms and this fleet entry; what is paused stays paused, also when it is paused meanwhile. Safe
 *  to repeat. Fails with RESOURCE_NOT_OURS, with SCHEDULE_UNKNOWN when it is removed meanwhile, and the codes of Temporal and the ledger. */
export async function putSchedule(doors: Doors, wanted: WantedSchedule): Promise<Standing> {
  const { ScheduleAlreadyRunning, ScheduleNotFoundError } = await import('@temporalio/client')
  const { temporal } = doors
  const standing = await compareSchedule(doors, wanted)
  if (standing.state === 'unchanged') return standing
  const id = scheduleId(wanted.name)
  const options = await optionsOf(doors, wanted)
  try {
    if (standing.state === 'added') {
      await temporal.within(ANSWER_TIMEOUT_MS, () => temporal.client.schedule.create({ scheduleId: id, ...options }))
      return standing
    }
  } catch (error) {
    // Somebody else has added it meanwhile.
    if (!(error instanceof ScheduleAlreadyRunning)) throw refusedTimes(error, temporal)
  }
  const change = (before: ScheduleDescription): ScheduleUpdateOptions | null => {
    if (differencesOf(before, wanted).length === 0) return null
    const args = options.action.args.map((input) => toldToo(input, inputOf(before)))
    return { ...options, action: { ...options.action, args }, state: before.state }
  }
  try {
    await updateSchedule(temporal, id, change)
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) throw unknownSchedule(wanted.name)
    throw refusedTimes(error, temporal)
  }
  return { ...standing, state: 'changed' }
}

/** What `putSchedule` would do. Reads only. */
export async function compareSchedule({ temporal }: Doors, wanted: WantedSchedule): Promise<Standing> {
  const { ScheduleNotFoundError } = await import('@temporalio/client')
  const handle = temporal.client.schedule.getHandle(scheduleId(wanted.name))
  try {
    const differences = differencesOf(await temporal.within(ANSWER_TIMEOUT_MS, () => handle.describe()), wanted)
    return { state: differences.length === 0 ? 'unchanged' : 'changed', differences }
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return { state: 'added', differences: [] }
    throw error
  }
}

/** Who added it is no difference. */
function differencesOf(found: ScheduleDescription, wanted: WantedSchedule): Differences {
  const input = inputOf(found)
  const { spec, policies } = found
  const same = {
    times: runsAt(spec, wanted.timing, found.scheduleId),
    jitter: (spec.jitter ?? 0) === wanted.jitterMs,
    'catch-up': policies.catchupWindow === wanted.catchUpMs,
    'wait for the lock': waitForLockMsOf(input) === wanted.waitForLockMs,
    'fleet entry': takesAll(takenFromFleet(input), takenFromFleet(inputFor(wanted, sha256Of(scheduledBundle(wanted.entry))))),
    'time-outs':
      input.heartbeatTimeoutMs === wanted.heartbeatTimeoutMs && input.workflowTaskTimeoutMs === wanted.workflowTaskTimeoutMs,
    policies: policies.overlap === POLICIES.overlap && policies.pauseOnFailure === POLICIES.pauseOnFailure,
  }
  return Object.entries(same).flatMap(([what, holds]) => (holds ? [] : [what]))
}

/** One that has not ended is not joined by a second, and of several that were missed one is made up for. */
const POLICIES = { overlap: 'SKIP', pauseOnFailure: false } as const

function inputFor({ name, entry, named = [], ...wanted }: WantedSchedule, bundle: Sha256): ToldInput {
  const { addedBy, heartbeatTimeoutMs, workflowTaskTimeoutMs, waitForLockMs } = wanted
  const told = { version: 1, bundle, addedBy, heartbeatTimeoutMs, workflowTaskTimeoutMs } as const
  return name.kind === 'orphans' ? { ...told, ...name, cloud: entry.cloud, named } : { ...told, ...name, waitForLockMs }
}

async function optionsOf({ ledger }: Doors, wanted: WantedSchedule) {
  const { name, entry, timing, jitterMs, catchUpMs, workflowTaskTimeoutMs } = wanted
  const { kind } = name
  const id = scheduleId(name)
  const input = inputFor(wanted, await ledger.putBundle(scheduledBundle(entry)))
  // Without a kind and a status: this is no operation, but what starts one. A place is no single database's.
  const attributes = {
    ...(kind === 'orphans'
      ? {}
      : { [SEARCH_ATTRIBUTES.database]: entry.name, [SEARCH_ATTRIBUTES.environment]: entry.environment }),
    [SEARCH_ATTRIBUTES.cloud]: entry.cloud,
  }
  const what = kind === 'orphans' ? `orphans in ${name.place}` : `${kind} of ${entry.name} (${entry.cloud}, ${entry.environment})`
  return {
    spec: specOf(timing, { id, jitterMs }),
    // A list of schedules shows their attributes, and not what they tell their runs.
    typedSearchAttributes: await keywords({
      ...attributes,
      [SEARCH_ATTRIBUTES.kind]: kind,
      [SEARCH_ATTRIBUTES.bundle]: input.bundle,
    }),
    policies: { ...POLICIES, catchupWindow: catchUpMs },
    action: {
      type: 'startWorkflow',
      workflowType: workflowOf(name),
      workflowId: id,
      taskQueue: TASK_QUEUES.control,
      args: [input],
      workflowTaskTimeout: workflowTaskTimeoutMs,
      staticSummary: `${what}: ${timingWords(timing)}`,
      typedSearchAttributes: await keywords(attributes),
    },
  } as const
}

async function keywords(values: Readonly<Record<string, string>>): Promise<TypedSearchAttributes> {
  const { defineSearchAttributeKey, TypedSearchAttributes } = await import('@temporalio/common')
  return new TypedSearchAttributes(
    Object.entries(values).map(([name, value]) => ({ key: defineSearchAttributeKey(name, 'KEYWORD'), value })),
  )
}
