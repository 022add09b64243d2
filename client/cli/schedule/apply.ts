/** `capstan schedule apply`: the schedules as the fleet file has them. */
import type { Command } from 'commander'
import { fleetFileOf } from '../../config'
import { exitOfFailure } from '../../exit-codes'
import { readFleet } from '../../fleet/read-fleet'
import { type Applied, type AppliedState, applySchedules } from '../../schedules/apply-schedules'
import type { CliContext } from '../context'
import { confirmed } from '../launch'
import { example, fleetOption, jsonOption } from '../options'
import { appliedLine, appliedSummary } from '../render/schedules'

interface ApplyOptions {
  readonly plan?: boolean
  readonly prune?: boolean
  readonly yes?: boolean
  readonly fleet?: string
  readonly json?: boolean
}

/** So that somebody sees that a long one goes on. */
const PROGRESS_EVERY = 250

export function addScheduleApply(group: Command, cli: CliContext): void {
  group
    .command('apply')
    .summary('make the schedules what the fleet file says')
    .description(
      'Makes the schedules what the fleet file says: adds and changes them, and leaves a pause as it is. What the file does not ask for ' +
        'is shown, and removed only with --prune; never that of a database that the file does not have, nor the search of a place that was asked for by one. Safe to repeat.',
    )
    .option('--plan', 'show what would happen and change nothing')
    .option('--prune', 'remove what the file does not ask for: schedules of its databases, and searches that it asked for before')
    .option('--yes', 'do not ask before --prune removes')
    .addOption(fleetOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan schedule apply --plan', 'capstan schedule apply --prune --yes'))
    .action(async (options: ApplyOptions) => {
      const fleet = await readFleet(fleetFileOf(cli.settings, options.fleet))
      const { requestedBy: addedBy, heartbeatTimeoutMs, workflowTaskTimeoutMs } = cli.settings
      const { plan = false, prune = false, json = false } = options
      const from = { fleet, addedBy, heartbeatTimeoutMs, workflowTaskTimeoutMs }
      await cli.withDoors(async (doors) => {
        const allowed = !prune || plan || (await confirmed(cli, 'Remove what the fleet file does not ask for?', options))
        let done = 0
        const onDone = (applied: Applied): void => {
          done += 1
          if (json) return
          if (applied.state !== 'unchanged') cli.lines([appliedLine(applied, { plan, prune: prune && allowed })])
          if (done % PROGRESS_EVERY === 0 && done < fleet.schedules.length) cli.lines([`… ${done} of ${fleet.schedules.length}`])
        }
        const schedules = await applySchedules(doors, { ...from, plan, prune: prune && allowed, onDone })
        const counts: Partial<Record<AppliedState, number>> = {}
        for (const { state } of schedules) counts[state] = (counts[state] ?? 0) + 1
        if (json) cli.json({ version: 1, mode: plan ? 'plan' : 'apply', counts, schedules })
        else cli.lines([appliedSummary(counts, plan)])
        const failed = schedules.find(({ failure }) => failure !== null)?.failure
        if (failed) cli.exit = exitOfFailure(failed.code)
      })
    })
}
