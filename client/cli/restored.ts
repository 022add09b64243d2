/** `capstan restore list|access|keep|remove`: copies that were restored, once they are there. */
import type { Command } from 'commander'
import { secretKeyOf } from '../config'
import { parseOperationId } from '../operation-id'
import { instant } from '../quantities'
import { accessOf, keepCopy, listCopies } from '../restored-copies'
import type { CliContext } from './context'
import { byOption, durationMs, example, jsonOption } from './options'
import { accessLines, copyListLines } from './render/restore'

interface Options {
  readonly by?: string
  readonly json?: boolean
}

export function addRestoreList(group: Command, cli: CliContext): void {
  group
    .command('list')
    .description('Every restored copy that is there, as the ledger knows it; the first to be removed comes first.')
    .addOption(jsonOption())
    .addHelpText('after', example('capstan restore list'))
    .action(async (options: Options) => {
      const copies = await cli.withLedger(listCopies)
      if (options.json) cli.json({ version: 1, copies })
      else cli.lines(copyListLines(copies, cli.paint))
    })
}

export function addRestoreAccess(group: Command, cli: CliContext): void {
  group
    .command('access')
    .description(
      'How to log into a copy as its master. Its password is derived from the control plane’s key, here and now: it is kept nowhere, and ' +
        'only who holds that key (CAPSTAN_SECRET_KEY, or the embedded default’s) is told it.',
    )
    .argument('<operation>', 'the restore that made it')
    .addOption(jsonOption())
    .addHelpText('after', example('capstan restore access restore-shop-k3x7qa'))
    .action(async (operation: string, options: Options) => {
      const id = parseOperationId(operation)
      const access = await cli.withLedger((ledger) => accessOf(ledger, id, secretKeyOf(cli.settings)))
      if (options.json) cli.json({ version: 1, ...access })
      else cli.lines(accessLines(access))
    })
}

export function addRestoreKeep(group: Command, cli: CliContext): void {
  group
    .command('keep')
    .description('Keep a copy for a time from now on, longer or not as long as it was to be kept.')
    .argument('<operation>', 'the restore that made it')
    .requiredOption('--for <time>', 'from now on, such as 90m or 7d', durationMs)
    .addOption(byOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan restore keep restore-shop-k3x7qa --for 48h'))
    .action((operation: string, options: Options & { for: number }) => keep(cli, operation, options, options.for))
}

export function addRestoreRemove(group: Command, cli: CliContext): void {
  group
    .command('remove')
    .description('Remove a copy now, before its time is over. Its removal is begun, not waited for.')
    .argument('<operation>', 'the restore that made it')
    .addOption(byOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan restore remove restore-shop-k3x7qa'))
    .action((operation: string, options: Options) => keep(cli, operation, options, 0))
}

async function keep(cli: CliContext, operation: string, options: Options, forMs: number): Promise<void> {
  const id = parseOperationId(operation)
  const by = options.by ?? cli.settings.requestedBy
  const until = new Date(Date.now() + forMs).toISOString()
  const { instance } = await cli.withDoors((doors) => keepCopy(doors, { operation: id, by, until }))
  if (options.json) return cli.json({ version: 1, operation: id, instance, until, by })
  cli.lines([
    forMs === 0
      ? `${instance} is being removed; "capstan restore list" shows it until it is gone.`
      : `${instance} is kept until ${instant(until)}.`,
  ])
}
