/** `capstan restore list|access|keep|remove|old`: copies that were restored, once they are there, and instances that were replaced by one. */
import type { Command } from 'commander'
import { type Failure, failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import { fleetFileOf, secretKeyOf } from '../config'
import { EXIT } from '../exit-codes'
import { isReplacement, keepOld, listReplaced, lookAtOld } from '../old-instances'
import { parseOperationId } from '../operation-id'
import { instant } from '../quantities'
import { accessOf, keepCopy, listCopies } from '../restored-copies'
import type { CliContext } from './context'
import { byOption, durationMs, example, fleetOption, jsonOption } from './options'
import { oldInstanceLines, replacedListLines } from './render/old-instance'
import { accessLines, copyListLines } from './render/restore'

interface Options {
  readonly by?: string
  readonly json?: boolean
}

export function addRestoreList(group: Command, cli: CliContext): void {
  group
    .command('list')
    .description(
      'Every restored copy that is there, as the ledger knows it; the first to be removed comes first. Then the instances that were replaced and are kept, ' +
        'closed, for a time (--keep-old), and those whose time is over.',
    )
    .addOption(jsonOption())
    .addHelpText('after', example('capstan restore list'))
    .action(async (options: Options) => {
      const [copies, replaced] = await cli.withLedger((ledger) => Promise.all([listCopies(ledger), listReplaced(ledger)]))
      if (options.json) return cli.json({ version: 1, copies, replaced })
      cli.lines(copyListLines(copies, cli.paint))
      if (replaced.length > 0) cli.lines(['', ...replacedListLines(replaced, cli.paint)])
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
    .description(
      'Keep a copy for a time from now on, longer or not as long as it was to be kept. Of a replacement: the instance that it replaced.',
    )
    .argument('<operation>', 'the restore that made it, or the replacement')
    .requiredOption('--for <time>', 'from now on, such as 90m or 7d; of an instance that was replaced also: ever', timeOrEver)
    .addOption(byOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan restore keep restore-shop-k3x7qa --for 48h'))
    .action((operation: string, options: Options & { for: number | 'ever' }) => keep(cli, operation, options, options.for))
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

export function addRestoreOld(group: Command, cli: CliContext): void {
  group
    .command('old')
    .summary('whether an instance that was replaced may be removed, and how')
    .description(
      'Looks at the instance that a replacement closed and keeps (--keep-old): whether it is that very one, still closed as it was, and neither the endpoint nor the fleet file leads to it. Only then, ' +
        'and once its time is over, it shows the commands that remove it, with a last backup where its cloud keeps one. It removes nothing.',
    )
    .argument('<operation>', 'the replacement')
    .option('--applications-moved', 'where no endpoint can be asked: I have looked, and no application is led to it')
    .addOption(fleetOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan restore old restore-shop-k3x7qa'))
    .action(async (operation: string, options: Options & { fleet?: string; applicationsMoved?: boolean }) => {
      const { applicationsMoved = false } = options
      const of = { operation: parseOperationId(operation), fleetFile: fleetFileOf(cli.settings, options.fleet) }
      const asked = { ...of, applicationsMoved }
      const look = await cli.withDoors((doors) => lookAtOld(doors, asked))
      if (options.json) cli.json({ version: 1, ...look })
      else cli.lines(oldInstanceLines(look, cli.paint))
      if (look.against.length > 0) cli.exit = EXIT.finding
    })
}

function timeOrEver(text: string): number | 'ever' {
  return text === 'ever' ? text : durationMs(text)
}

async function keep(cli: CliContext, operation: string, options: Options, forMs: number | 'ever'): Promise<void> {
  const id = parseOperationId(operation)
  const by = options.by ?? cli.settings.requestedBy
  const until = forMs === 'ever' ? null : new Date(Date.now() + forMs).toISOString()
  const { instance, old } = await cli.withDoors(async (doors) => {
    if (await isReplacement(doors.ledger, id)) {
      if (forMs === 0) throw notRemoved(id)
      return { instance: await keepOld(doors, { operation: id, by, until }), old: true }
    }
    if (until === null) throw notForEver()
    return { ...(await keepCopy(doors, { operation: id, by, until })), old: false }
  })
  if (options.json) return cli.json({ version: 1, operation: id, instance, until, by })
  cli.lines([
    forMs === 0
      ? `${instance} is being removed; "capstan restore list" shows it until it is gone.`
      : until === null
        ? `${instance} is kept for good, and nobody is reminded of it.`
        : `${instance} is kept until ${instant(until)}${old ? ', and not removed by itself then' : ''}.`,
  ])
}

function notRemoved(operation: OperationId): Failure {
  const message = `Operation ${operation} replaced an instance: nothing here removes that, nor what took its place. "capstan restore old ${operation}" says whether it may go, and how.`
  return failure('OPTION_INVALID', message, { operation })
}

function notForEver(): Failure {
  const message = '--for ever is of an instance that was replaced; a restored copy goes at some time: name one.'
  return failure('OPTION_INVALID', message, { option: 'for' })
}
