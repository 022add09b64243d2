/** `capstan schedule`: operations that run by the clock. */
import type { Command } from 'commander'
import type { CliContext } from '../context'
import { addScheduleAdd } from './add'
import { addScheduleApply } from './apply'
import { addSchedulePause, addScheduleRemove, addScheduleResume, addScheduleRun } from './change'
import { addScheduleList } from './list'

export function addSchedules(program: Command, cli: CliContext): void {
  const group = program
    .command('schedule')
    .description('Operations that run by the clock: list, add, apply, pause, resume, run, remove.')
  for (const add of [
    addScheduleList,
    addScheduleAdd,
    addScheduleApply,
    addSchedulePause,
    addScheduleResume,
    addScheduleRun,
    addScheduleRemove,
  ]) {
    add(group, cli)
  }
}
