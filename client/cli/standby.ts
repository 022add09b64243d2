/** `capstan standby`: what there is to do with a standby that `capstan replicate` has made. Each is an operation of its own, with its record. */
import type { Command } from 'commander'
import type { StandbyAction } from '../../contracts/replicate'
import type { CliContext } from './context'
import { example, qualifiedTable } from './options'
import { addStandbyOptions, launchReplicate, type StandbyOptions } from './replicate'
import { addStandbyCompare } from './standby-compare'
import { addStandbyList } from './standby-list'
import { addStandbyOld } from './standby-old'

interface Deed {
  readonly summary: string
  readonly description: string
  readonly examples: readonly string[]
}

const DEEDS: Readonly<Record<StandbyAction, Deed>> = {
  pause: {
    summary: 'stop it from following, for a while',
    description:
      'The standby gets nothing until it is resumed. Its slot holds the log back on the source meanwhile: once that is more than the fleet file’s maxRetained ' +
      'the watch drops the slot, and the standby has to be seeded anew.',
    examples: ['capstan standby pause shop'],
  },
  resume: {
    summary: 'let it follow again',
    description:
      'The standby takes up where it was paused. One whose slot is gone cannot: seed it anew. Once writing has moved, name the writer of now, with its first one as --to: ' +
      'the same declaration serves, by its wayBack. A switchover that was ended by force is brought to its end so.',
    examples: ['capstan standby resume shop', 'capstan standby resume shop-azure --to shop'],
  },
  reseed: {
    summary: 'copy its rows anew',
    description:
      'Empties the standby’s tables, or the one that is named, and copies them from the source again. For one whose slot is gone, and for a table that was found to differ.',
    examples: ['capstan standby reseed shop', 'capstan standby reseed shop --table public.orders'],
  },
  remove: {
    summary: 'stop it for good',
    description:
      'Removes the subscription, the slot and the publication, and ends the watch. The standby’s rows stay as they are, and one that was the writer stays shut to applications. What stays on a side that is out of reach is named, with the SQL that removes it.',
    examples: ['capstan standby remove shop', 'capstan standby remove shop --to shop-azure'],
  },
}

export function addStandby(program: Command, cli: CliContext): void {
  const group = program
    .command('standby')
    .description(
      'Standbys in other clouds: list, compare, pause, resume, reseed, remove; and what speaks against removing an old writer. "capstan replicate" makes one.',
    )
  addStandbyList(group, cli, (work) => cli.withLedger(work))
  addStandbyCompare(group, cli)
  for (const [action, deed] of Object.entries(DEEDS) as [StandbyAction, Deed][]) addDeed(group, cli, action, deed)
  addStandbyOld(group, cli)
}

function addDeed(group: Command, cli: CliContext, action: StandbyAction, deed: Deed): void {
  const command = group.command(action).summary(deed.summary).description(deed.description)
  if (action === 'reseed') command.option('--table <schema.table>', 'this table alone', qualifiedTable)
  addStandbyOptions(command)
    .addHelpText('after', example(...deed.examples))
    .action((source: string, options: StandbyOptions) => launchReplicate(cli, source, action, options))
}
