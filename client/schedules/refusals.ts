/** Why a schedule could not be changed, in our words. */
import { failure } from '../../contracts/failures'
import { type ScheduleName, subjectOf } from '../../contracts/schedule'
import { cutInput, shownInput } from '../shown-input'
import { type TemporalDoor, temporalFailure } from '../temporal'

/** Temporal has a time zone database of its own; its client tells what it does not take as a TypeError. */
export function refusedTimes(error: unknown, { target }: TemporalDoor): unknown {
  if (!(error instanceof TypeError)) return temporalFailure(error, target)
  const message = `Temporal at ${target.address} does not take these times: ${cutInput(error.message)}; give others, or another --time-zone.`
  return failure('TEMPORAL_REFUSED', message, { address: target.address }, { cause: error })
}

export function shownName(name: ScheduleName): string {
  return name.kind === 'orphans' ? `search for orphans in ${cutInput(name.place)}` : `${name.kind} of ${cutInput(name.database)}`
}

export function unknownSchedule(name: ScheduleName): Error {
  const subject = subjectOf(name)
  const what = name.kind === 'orphans' ? 'search for orphans in' : `${name.kind} of`
  const made =
    name.kind === 'orphans'
      ? '"capstan schedule apply" makes one for each place where the fleet file says `orphans`'
      : `"capstan schedule add ${name.kind}" makes one`
  const message =
    `There is no schedule for a ${what} ${shownInput(subject)}; "capstan schedule list" shows those that there are, ` +
    `and ${made}.`
  const facts = name.kind === 'orphans' ? { place: cutInput(subject) } : { database: cutInput(subject) }
  return failure('SCHEDULE_UNKNOWN', message, { kind: name.kind, ...facts })
}
