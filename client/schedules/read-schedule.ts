/** What a schedule tells its runs, read back out of Temporal. */
import type { ScheduleDescription } from '@temporalio/client'
import { failure } from '../../contracts/failures'
import type { SweepInput } from '../../contracts/orphans'
import { parseScheduleId, type ScheduledStartInput, workflowOf } from '../../contracts/schedule'
import { sha256Of } from '../../ledger/digest'

export type ToldInput = ScheduledStartInput | SweepInput

/** Fails with RESOURCE_NOT_OURS: somebody else's schedule has a name of ours. */
export function inputOf({ scheduleId, action }: ScheduleDescription): ToldInput {
  const name = parseScheduleId(scheduleId)
  const [input]: readonly unknown[] = action.args ?? []
  if (name !== null && action.workflowType === workflowOf(name) && isInput(input)) return input
  const message = `The schedule ${scheduleId} starts ${action.workflowType} and was not made here: remove it with Temporal's own command line, or leave it.`
  throw failure('RESOURCE_NOT_OURS', message, { schedule: scheduleId })
}

function isInput(value: unknown): value is ToldInput {
  return typeof value === 'object' && value !== null && 'version' in value && value.version === 1
}

/** A digest of what its runs take from the fleet file: of a database its entry, of a place the instances that are nobody's copies too. */
export function takenFromFleet(
  input: Pick<ScheduledStartInput, 'kind' | 'bundle'> | Pick<SweepInput, 'kind' | 'bundle' | 'named'>,
) {
  return input.kind === 'orphans' ? sha256Of({ bundle: input.bundle, named: input.named }) : input.bundle
}

/** How long a run waits for the lock of its instance; those that take none do not. */
export function waitForLockMsOf(input: ToldInput): number {
  return input.kind === 'orphans' ? 0 : input.waitForLockMs
}
