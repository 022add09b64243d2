/** Why a schedule could not be changed, in our words. */
import { failure } from '../../contracts/failures'
import type { ScheduleName } from '../../contracts/schedule'
import { cutInput, shownInput } from '../shown-input'
import { type TemporalDoor, temporalFailure } from '../temporal'

/** Temporal has a time zone database of its own; its client tells what it does not take as a TypeError. */
export function refusedTimes(error: unknown, { target }: TemporalDoor): unknown {
  if (!(error instanceof TypeError)) return temporalFailure(error, target)
  const message = `Temporal at ${target.address} does not take these times: ${cutInput(error.message)}; give others, or another --time-zone.`
  return failure('TEMPORAL_REFUSED', message, { address: target.address }, { cause: error })
}

export function shownName({ kind, database }: ScheduleName): string {
  return `${kind} of ${cutInput(database)}`
}

export function unknownSchedule({ kind, database }: ScheduleName): Error {
  const message =
    `There is no schedule for a ${kind} of ${shownInput(database)}; "capstan schedule list" shows those that there are, ` +
    `and "capstan schedule add ${kind}" makes one.`
  return failure('SCHEDULE_UNKNOWN', message, { kind, database: cutInput(database) })
}
