/** What a schedule tells its runs, read back out of Temporal. */
import type { ScheduleDescription } from '@temporalio/client'
import { failure } from '../../contracts/failures'
import { SCHEDULED_START_WORKFLOW, type ScheduledStartInput } from '../../contracts/schedule'

/** Fails with RESOURCE_NOT_OURS: somebody else's schedule has a name of ours. */
export function inputOf({ scheduleId, action }: ScheduleDescription): ScheduledStartInput {
  const [input]: readonly unknown[] = action.args ?? []
  if (action.workflowType === SCHEDULED_START_WORKFLOW && isInput(input)) return input
  const message = `The schedule ${scheduleId} starts ${action.workflowType} and was not made here: remove it with Temporal's own command line, or leave it.`
  throw failure('RESOURCE_NOT_OURS', message, { schedule: scheduleId })
}

function isInput(value: unknown): value is ScheduledStartInput {
  return typeof value === 'object' && value !== null && 'version' in value && value.version === 1
}
