/** `capstan schedule pause|resume|run|remove KIND DATABASE`: what is done to a schedule that there is. */
import type { Command } from 'commander'
import { type ScheduleKind, scheduleId, scheduleOf } from '../../../contracts/schedule'
import { temporalOf } from '../../config'
import { EXIT } from '../../exit-codes'
import { pauseSchedule, removeSchedule, resumeSchedule, runSchedule } from '../../schedules/schedules'
import type { CliContext } from '../context'
import { confirmed } from '../launch'
import { byOption, example, jsonOption, someText } from '../options'
import { ofSchedule } from './kind'

interface Saying {
  readonly by?: string
  readonly json?: boolean
}

export function addSchedulePause(group: Command, cli: CliContext): void {
  ofSchedule(group.command('pause'))
    .description(
      'Pause a schedule: it does not run by the clock until it is resumed, and what falls into the pause is not made up for.',
    )
    .requiredOption('--note <text>', 'why, for whoever finds it paused', someText)
    .addOption(byOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan schedule pause snapshot shop --note "the account is being moved"'))
    .action(async (kind: ScheduleKind, subject: string, options: Saying & { note: string }) => {
      const name = scheduleOf(kind, subject)
      const said = { by: options.by ?? cli.settings.requestedBy, note: options.note }
      await cli.withDoors((doors) => pauseSchedule(doors, name, said))
      const schedule = scheduleId(name)
      tell(cli, options, { schedule, paused: true, ...said }, `${schedule}: paused by ${said.by}: ${said.note}`)
    })
}

export function addScheduleResume(group: Command, cli: CliContext): void {
  ofSchedule(group.command('resume'))
    .description('Let a paused schedule run by the clock again.')
    .option('--note <text>', 'why, for the record', someText, 'resumed')
    .addOption(byOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan schedule resume snapshot shop'))
    .action(async (kind: ScheduleKind, subject: string, options: Saying & { note: string }) => {
      const name = scheduleOf(kind, subject)
      const said = { by: options.by ?? cli.settings.requestedBy, note: options.note }
      await cli.withDoors((doors) => resumeSchedule(doors, name, said))
      const schedule = scheduleId(name)
      tell(cli, options, { schedule, paused: false, ...said }, `${schedule}: resumed by ${said.by}.`)
    })
}

export function addScheduleRun(group: Command, cli: CliContext): void {
  ofSchedule(group.command('run'))
    .description('Run a schedule now, paused or not, and return; its times stay as they are. Refused while a run of it goes on.')
    .addOption(jsonOption())
    .addHelpText('after', example('capstan schedule run snapshot shop'))
    .action(async (kind: ScheduleKind, subject: string, options: { json?: boolean }) => {
      const name = scheduleOf(kind, subject)
      const { operation } = await cli.withDoors((doors) => runSchedule(doors, name))
      const schedule = scheduleId(name)
      const begun =
        name.kind === 'orphans'
          ? `begun. What it finds: capstan schedule list --place ${name.place}`
          : `begun; no worker has taken it up yet. Check that one runs: capstan ops list --database ${name.database}`
      const line =
        operation === null
          ? `${schedule}: ${begun}`
          : `${schedule}: runs as ${operation}. Watch it: capstan ops watch ${operation}`
      tell(cli, options, { schedule, operation }, line)
    })
}

export function addScheduleRemove(group: Command, cli: CliContext): void {
  ofSchedule(group.command('remove'))
    .description('Remove a schedule. What it has started goes on, and the record of its runs stays.')
    .option('--yes', 'do not ask before')
    .addOption(jsonOption())
    .addHelpText('after', example('capstan schedule remove snapshot shop --yes'))
    .action(async (kind: ScheduleKind, subject: string, options: { yes?: boolean; json?: boolean }) => {
      const name = scheduleOf(kind, subject)
      temporalOf(cli.settings)
      if (!(await confirmed(cli, `Remove the schedule by which ${subject} has its ${kind}?`, options))) {
        cli.lines(['Nothing was removed.'])
        cli.exit = EXIT.stopped
        return
      }
      await cli.withDoors((doors) => removeSchedule(doors, name))
      const schedule = scheduleId(name)
      tell(cli, options, { schedule, removed: true }, `${schedule}: removed.`)
    })
}

function tell(cli: CliContext, options: { json?: boolean }, document: object, line: string): void {
  if (options.json) cli.json({ version: 1, ...document })
  else cli.lines([line])
}
