/** `capstan fleet check`: is the fleet file right? Every problem with its line and column; nothing is contacted. */
import type { Command } from 'commander'
import { fleetFileOf } from '../../config'
import { readFleet } from '../../fleet/read-fleet'
import { prepareMigrate } from '../../prepare-migrate'
import { counted } from '../../quantities'
import type { CliContext } from '../context'
import { example, fleetOption, jsonOption } from '../options'

export function addFleetCheck(fleet: Command, cli: CliContext): void {
  fleet
    .command('check')
    .description('Check the fleet file and the migrations that it names, without contacting anything.')
    .addOption(fleetOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan fleet check --fleet fleet.yaml'))
    .action(async (options: { fleet?: string; json?: boolean }) => {
      const fleetFile = fleetFileOf(cli.settings, options.fleet)
      const { file, databases } = await readFleet(fleetFile)
      const checked: { name: string; migrations: number }[] = []
      for (const { name, migrations } of databases) {
        const prepared = migrations === null ? null : await prepareMigrate({ fleetFile, database: name, migrations: null })
        checked.push({ name, migrations: prepared?.bundle.migrations.length ?? 0 })
      }
      if (options.json) return cli.json({ version: 1, file, valid: true, databases: checked })
      const total = checked.reduce((sum, one) => sum + one.migrations, 0)
      cli.lines([`${file} is right: ${counted(checked.length, 'database')}, ${counted(total, 'migration')}.`])
    })
}
