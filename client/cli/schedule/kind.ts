/** `<kind> <database>`: which schedule is meant. */
import { Argument, type Command } from 'commander'
import { SCHEDULED_KINDS } from '../../../contracts/schedule'

export const kindArgument = (): Argument => new Argument('<kind>', 'the operation').choices(SCHEDULED_KINDS)

/** Of a schedule that is there: its database may have left the fleet file. */
export function ofSchedule(command: Command): Command {
  return command.addArgument(kindArgument()).argument('<database>', 'the schedule’s database')
}
