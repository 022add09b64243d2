/** What a schedule tells its runs, read back out of Temporal. */
import type { ScheduleDescription } from '@temporalio/client'
import { failure } from '../../contracts/failures'
import type { Sha256 } from '../../contracts/operation'
import type { SweepInput } from '../../contracts/orphans'
import { parseScheduleId, type ScheduledStartInput, workflowOf } from '../../contracts/schedule'

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

/** What its runs take from the fleet file: of a database its entry, of a place the instances that are nobody's copies too. */
export interface Taken {
  readonly bundle: Sha256
  readonly named: readonly string[]
}

export function takenFromFleet(input: ToldInput): Taken {
  return { bundle: input.bundle, named: input.kind === 'orphans' ? input.named : [] }
}

/** Whether nothing of the fleet file is missing. Names beyond it are another fleet file's that has databases in that place: one too many stays. */
export function takesAll(taken: Taken, now: Taken): boolean {
  return taken.bundle === now.bundle && now.named.every((name) => taken.named.includes(name))
}

/** What was told before is forgotten, but for what another fleet file named. */
export function toldToo<T extends ToldInput>(input: T, before: ToldInput): T {
  if (input.kind !== 'orphans' || before.kind !== 'orphans') return input
  return { ...input, named: [...new Set([...before.named, ...input.named])].sort() }
}

/** How long a run waits for the lock of its instance; those that take none do not. */
export function waitForLockMsOf(input: ToldInput): number {
  return input.kind === 'orphans' ? 0 : input.waitForLockMs
}
