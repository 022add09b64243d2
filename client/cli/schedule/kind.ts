/** `<kind> <subject>`: which schedule is meant. */
import { Argument, type Command } from 'commander'
import { SCHEDULE_KINDS, SCHEDULED_KINDS } from '../../../contracts/schedule'

/** Those that can be added by hand; a search for orphans is the fleet file's. */
export const kindArgument = (): Argument => new Argument('<kind>', 'the operation').choices(SCHEDULED_KINDS)

/** Of a schedule that is there: its database may have left the fleet file. */
export function ofSchedule(command: Command): Command {
  return command
    .addArgument(new Argument('<kind>', 'the operation, or orphans').choices(SCHEDULE_KINDS))
    .argument('<database>', 'the schedule’s database; of orphans the place, as "capstan schedule list" shows it')
}
