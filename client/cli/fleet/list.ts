/** `capstan fleet list`: the databases that the fleet file declares. */
import type { Command } from 'commander'
import { fleetFileOf } from '../../config'
import { readFleet } from '../../fleet/read-fleet'
import type { CliContext } from '../context'
import { example, fleetOption, jsonOption } from '../options'
import { table } from '../render/table'

export function addFleetList(fleet: Command, cli: CliContext): void {
  fleet
    .command('list')
    .description('The databases of the fleet, with their defaults filled in.')
    .addOption(fleetOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan fleet list --fleet examples/shop/fleet.yaml'))
    .action(async (options: { fleet?: string; json?: boolean }) => {
      const { file, databases } = await readFleet(fleetFileOf(cli.settings, options.fleet))
      if (options.json) return cli.json({ version: 1, file, databases })
      const rows = databases.map(({ name, environment, cloud, region, instance, database, policy }) => [
        name,
        environment,
        `${cloud}/${region}`,
        instance,
        database,
        policy.approval,
      ])
      cli.lines(table(['NAME', 'ENVIRONMENT', 'CLOUD', 'INSTANCE', 'DATABASE', 'APPROVAL'], rows, cli.paint))
    })
}
