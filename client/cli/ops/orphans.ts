/** `capstan ops orphans`: temporary instances in the fleet's accounts, whether anybody cares for them, and the removal of those that nobody does. */
import type { Command } from 'commander'
import { failure } from '../../../contracts/failures'
import type { CopyStanding, Orphans } from '../../../contracts/orphans'
import { fleetFileOf } from '../../config'
import { EXIT } from '../../exit-codes'
import { readFleet } from '../../fleet/read-fleet'
import { findOrphans } from '../../orphans'
import type { CliContext } from '../context'
import type { Paint } from '../io'
import { example, fleetOption, jsonOption } from '../options'
import { oneLine } from '../render/quoted'
import { table } from '../render/table'

const STANDINGS: Readonly<Record<CopyStanding, string>> = {
  orphan: 'nobody cares for it: --remove removes it',
  'at-work': 'its operation still runs',
  kept: 'kept until then, or only just no more',
  'took-over': 'took over: it is production now',
  protected: 'protected from removal',
  'being-removed': 'being removed',
  'unknown-operation': 'not in this ledger: perhaps another control plane’s; never removed',
  'not-ours': 'its tags do not say whose it is; never removed',
}

export function addOpsOrphans(ops: Command, cli: CliContext): void {
  ops
    .command('orphans')
    .summary('temporary instances that nobody cares for any more')
    .description(
      'Every instance in the accounts of the fleet file that is named as Capstan names its copies, and why it stays. An orphan is one that its ' +
        'tags and the ledger say an operation made, which is over, and that is kept for no time or one that has passed. --remove removes those ' +
        'and nothing else, asking the cloud and the ledger again right before each. The regions that snapshots are copied into are looked into, too. Exit 1 while there are orphans, or a region ' +
        'that could not be asked.',
    )
    .addOption(fleetOption())
    .option('--remove', 'remove the orphans, and wait until they are gone')
    .option('--yes', 'with --remove: without it nothing is removed')
    .addOption(jsonOption())
    .addHelpText('after', example('capstan ops orphans', 'capstan ops orphans --remove --yes'))
    .action(async (options: { fleet?: string; remove?: boolean; yes?: boolean; json?: boolean }) => {
      const { remove = false, yes = false } = options
      if (remove && !yes) {
        const message = 'What is removed does not come back; look with "capstan ops orphans", then say --remove --yes.'
        throw failure('OPTION_INVALID', message, { option: 'yes' })
      }
      const { databases } = await readFleet(fleetFileOf(cli.settings, options.fleet))
      const { heartbeatTimeoutMs } = cli.settings
      const found = await cli.withDoors((doors) => findOrphans(doors, { databases, remove, heartbeatTimeoutMs }))
      if (options.json) cli.json({ version: 1, ...found })
      else cli.lines(orphanLines(found, cli.paint))
      if (orphansLeft(found) > 0 || found.unreached !== undefined) cli.exit = EXIT.finding
    })
}

function orphansLeft({ instances, removals }: Orphans): number {
  const asked = new Map(removals.map((one) => [one.name, one]))
  return instances.filter(({ name, standing }) => standing === 'orphan' && asked.get(name)?.removed !== true).length
}

function orphanLines({ instances, removals, unreached = [] }: Orphans, paint: Paint): string[] {
  const silent = unreached.map(({ cloud, region, why }) => oneLine(`${cloud}/${region} could not be asked: ${why}`))
  if (instances.length === 0) return ['No temporary instances are there.', ...silent]
  const rows = instances.map(({ name, cloud, region, state, expiresAt, operation, standing }) =>
    [name, `${cloud}/${region}`, state, expiresAt ?? '', operation ?? '', STANDINGS[standing]].map(oneLine),
  )
  const went = removals.map(({ name, removed, standing, failure: why }) =>
    oneLine(removed ? `${name} was removed.` : `${name} was left: ${why ?? STANDINGS[standing]}`),
  )
  return [...table(['NAME', 'CLOUD', 'STATE', 'KEPT UNTIL', 'OPERATION', 'WHY IT STAYS'], rows, paint), ...went, ...silent]
}
