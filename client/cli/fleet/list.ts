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
      const followed = databases.some(({ standbys }) => standbys !== undefined)
      const rows = databases.map(({ name, environment, cloud, region, instance, database, policy, standbys = [] }) => [
        name,
        environment,
        `${cloud}/${region}`,
        instance,
        database,
        policy.approval,
        ...(followed ? [standbys.map((standby) => standby.database).join(', ')] : []),
      ])
      const headings = ['NAME', 'ENVIRONMENT', 'CLOUD', 'INSTANCE', 'DATABASE', 'APPROVAL', ...(followed ? ['STANDBYS'] : [])]
      cli.lines(table(headings, rows, cli.paint))
    })
}
