/** A schedule as it should be: made, or changed where it differs. The ledger holds the fleet entry that its runs work by. */
import type { ScheduleDescription, ScheduleUpdateOptions } from '@temporalio/client'
import type { TypedSearchAttributes } from '@temporalio/common'
import type { DatabaseEntry } from '../../contracts/fleet'
import { SEARCH_ATTRIBUTES, TASK_QUEUES } from '../../contracts/messages'
import { SCHEDULED_START_WORKFLOW, type ScheduledStartInput, type ScheduleTerms, scheduleId } from '../../contracts/schedule'
import { sha256Of } from '../../ledger/digest'
import { ANSWER_TIMEOUT_MS, type Doors } from '../decide'
import { scheduledBundle } from './bundle'
import { inputOf } from './read-schedule'
import { refusedTimes, unknownSchedule } from './refusals'
import { runsAt } from './times'
import { specOf, timingWords } from './timing'
import { updateSchedule } from './update-schedule'

export interface WantedSchedule
  extends ScheduleTerms,
    Pick<ScheduledStartInput, 'kind' | 'addedBy' | 'heartbeatTimeoutMs' | 'workflowTaskTimeoutMs'> {
  readonly entry: DatabaseEntry
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
  const id = scheduleId({ kind: wanted.kind, database: wanted.entry.name })
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
  const change = (before: ScheduleDescription): ScheduleUpdateOptions | null =>
    differencesOf(before, wanted).length === 0 ? null : { ...options, state: before.state }
  try {
    await updateSchedule(temporal, id, change)
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) throw unknownSchedule({ kind: wanted.kind, database: wanted.entry.name })
    throw refusedTimes(error, temporal)
  }
  return { ...standing, state: 'changed' }
}

/** What `putSchedule` would do. Reads only. */
export async function compareSchedule({ temporal }: Doors, wanted: WantedSchedule): Promise<Standing> {
  const { ScheduleNotFoundError } = await import('@temporalio/client')
  const handle = temporal.client.schedule.getHandle(scheduleId({ kind: wanted.kind, database: wanted.entry.name }))
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
    'wait for the lock': input.waitForLockMs === wanted.waitForLockMs,
    'fleet entry': input.bundle === sha256Of(scheduledBundle(wanted.entry)),
    'time-outs':
      input.heartbeatTimeoutMs === wanted.heartbeatTimeoutMs && input.workflowTaskTimeoutMs === wanted.workflowTaskTimeoutMs,
    policies: policies.overlap === POLICIES.overlap && policies.pauseOnFailure === POLICIES.pauseOnFailure,
  }
  return Object.entries(same).flatMap(([what, holds]) => (holds ? [] : [what]))
}

/** One that has not ended is not joined by a second, and of several that were missed one is made up for. */
const POLICIES = { overlap: 'SKIP', pauseOnFailure: false } as const

async function optionsOf({ ledger }: Doors, wanted: WantedSchedule) {
  const { kind, entry, timing, jitterMs, catchUpMs, addedBy, heartbeatTimeoutMs, workflowTaskTimeoutMs, waitForLockMs } = wanted
  const id = scheduleId({ kind, database: entry.name })
  const bundle = await ledger.putBundle(scheduledBundle(entry))
  const input: ScheduledStartInput = {
    version: 1,
    kind,
    database: entry.name,
    bundle,
    addedBy,
    heartbeatTimeoutMs,
    workflowTaskTimeoutMs,
    waitForLockMs,
  }
  // Without a kind and a status: this is no operation, but what starts one.
  const attributes = {
    [SEARCH_ATTRIBUTES.database]: entry.name,
    [SEARCH_ATTRIBUTES.environment]: entry.environment,
    [SEARCH_ATTRIBUTES.cloud]: entry.cloud,
  }
  return {
    spec: specOf(timing, { id, jitterMs }),
    // A list of schedules shows their attributes, and not what they tell their runs.
    typedSearchAttributes: await keywords({ ...attributes, [SEARCH_ATTRIBUTES.kind]: kind, [SEARCH_ATTRIBUTES.bundle]: bundle }),
    policies: { ...POLICIES, catchupWindow: catchUpMs },
    action: {
      type: 'startWorkflow',
      workflowType: SCHEDULED_START_WORKFLOW,
      workflowId: id,
      taskQueue: TASK_QUEUES.control,
      args: [input],
      workflowTaskTimeout: workflowTaskTimeoutMs,
      staticSummary: `${kind} of ${entry.name} (${entry.cloud}, ${entry.environment}): ${timingWords(timing)}`,
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
