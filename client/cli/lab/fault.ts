/** `capstan lab fault`: order what goes wrong, see what is ordered, take it back. Which kinds there are and what they may be told is the
 *  lab's to say: an order is passed on as it is, and refused by the lab in words. */
import { type Command, InvalidArgumentError } from 'commander'
import type { CliContext } from '../context'
import { example, jsonOption, positiveInteger } from '../options'
import { table } from '../render/table'
import { faultLines, type LabFault } from './fault-lines'
import { type AddCommand, ask, type LabOptions, labOption } from './lab'

interface FaultList {
  readonly faults?: readonly LabFault[]
}

interface Kinds {
  readonly kinds: readonly {
    readonly kind: string
    readonly summary: string
    readonly lasts: boolean
    readonly settings: readonly { readonly name: string }[]
  }[]
}

export const addLabFault: AddCommand = (lab, cli) => {
  const fault = lab
    .command('fault')
    .description('Order that something goes wrong in the lab, see what is ordered, take it back.')
    .addHelpText('after', EXAMPLES)
  addOrder(fault, cli)
  addList(fault, cli)
  addKinds(fault, cli)
  addClear(fault, cli)
}

const EXAMPLES = example(
  'capstan lab fault kinds',
  'capstan lab fault drop-response CreateDBSnapshot --instance shop --times 1 --for 10m',
  'capstan lab fault deliver-twice StopDBInstance --instance shop --delay 2s',
  'capstan lab fault throttle --probability 0.3 --seed 7 --for 1m',
  'capstan lab fault fail ModifyDBInstance --code InternalFailure --times 3',
  'capstan lab fault fail-operation RestoreDBInstanceFromDBSnapshot',
  'capstan lab fault busy-tail --instance shop --tail 10s',
  'capstan lab fault stale-reads DescribeDBInstances --lag 3s',
  'capstan lab fault delay DescribeDBSnapshots --delay 2s --times 5',
  'capstan lab fault hang CreateDBSnapshot --for 1m',
  'capstan lab fault crash-instance --instance shop',
  'capstan lab fault freeze-instance --instance shop --for 20s',
  'capstan lab fault cut-network CreateDBSnapshot --instance shop --delay 1s --lasts 5s',
  'capstan lab fault break-promotion --instance shop --moment after --times 1',
  'capstan lab fault slow-disk --instance shop --latency 80ms --for 20s',
  'capstan lab fault cut-link --from aws --to gcp --for 1m',
  'capstan lab fault slow-link --from aws --to azure --ways one --latency 300ms --for 1m',
  'capstan lab fault damage-backup --instance shop --part index',
  'capstan lab fault lose-wal --instance shop',
  'capstan lab fault stop-short --instance shop --by 3s --for 10m',
  'capstan lab fault clear f1',
)

function addOrder(fault: Command, cli: CliContext): void {
  fault
    .command('add', { isDefault: true })
    .description('Order a fault; "add" itself may be left out.')
    .argument('<kind>', 'what goes wrong: see "capstan lab fault kinds"')
    .argument('[operation]', 'as the cloud’s API names it, such as CreateDBSnapshot; left out: every one')
    .option('--instance <id>', 'calls that name this instance; or the instance that is struck')
    .option('--resource <id>', 'calls that name this resource, of whatever type')
    .option('--cloud <cloud>', 'calls of this cloud')
    .option('--account <id>', 'calls of this account')
    .option('--region <region>', 'calls to this region')
    .option('--times <count>', 'how many calls it strikes', positiveInteger)
    .option('--probability <share>', 'strike each call with this chance, above 0 and up to 1; without --times, for ever', share)
    .option('--seed <number>', 'of the chances: the same seed strikes the same calls again', wholeNumber)
    .option('--for <time>', 'the fault ends by itself after this time (default: 1h)')
    .option('--until <instant>', 'the fault ends by itself at this time, such as 2027-01-31T12:00:00Z')
    .option('--delay <time>', 'wait before doing what it does')
    .option('--id <name>', 'to take it back by')
    .option(
      '--lasts <time>',
      'freeze-instance, cut-network, fill-disk, slow-disk, stop-short: how long it lasts (default: as long as --for says, else 10s)',
    )
    .option('--moment <moment>', 'break-promotion: marked, before or after (default: before)')
    .option('--part <part>', 'damage-backup: page, index or table')
    .option('--by <time>', 'stop-short: how much too early')
    .option('--latency <time>', 'slow-disk, slow-link: by how much')
    .option('--from <cloud>', 'cut-link, slow-link: the one cloud')
    .option('--to <cloud>', 'cut-link, slow-link: the other one')
    .option('--ways <ways>', 'cut-link, slow-link: both, or one: connections that --from opens to --to (default: both)')
    .option('--heard <which>', 'deliver-twice: the answer that the caller gets, first or second (default: first)')
    .option('--code <code>', 'fail: the error that is answered')
    .option('--message <text>', 'fail: its message')
    .option('--tail <time>', 'busy-tail: how long an available instance refuses changes')
    .option('--lag <time>', 'stale-reads: how old the answers are')
    .option('--reads <count>', 'stale-reads: the same, counted in questions', positiveInteger)
    .addOption(labOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (kind: string, operation: string | undefined, options: LabOptions) => {
      const { lab: _lab, json: _json, ...told } = options
      const body = { kind, ...(operation === undefined ? {} : { operation }), ...told }
      const answer = await ask<FaultList>(cli, options, { method: 'POST', path: 'faults', body })
      tell(cli, options, answer)
    })
}

function addList(fault: Command, cli: CliContext): void {
  fault
    .command('list')
    .description('What is ordered.')
    .addOption(labOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan lab fault list --json'))
    .action(async (options: LabOptions) => {
      tell(cli, options, await ask<FaultList>(cli, options, { method: 'GET', path: 'faults' }))
    })
}

function addKinds(fault: Command, cli: CliContext): void {
  fault
    .command('kinds')
    .description('What can be ordered.')
    .addOption(labOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan lab fault kinds'))
    .action(async (options: LabOptions) => {
      const answer = await ask<Kinds>(cli, options, { method: 'GET', path: 'faults/kinds' })
      if (options.json) return cli.json(answer)
      const rows = answer.kinds.map((one) => [one.kind, ownOptions(one).join(' '), one.summary])
      cli.lines(table(['KIND', 'OWN OPTIONS', 'WHAT GOES WRONG'], rows, cli.paint))
    })
}

function ownOptions({ lasts, settings }: Kinds['kinds'][number]): string[] {
  return [...(lasts ? ['lasts'] : []), ...settings.map(({ name }) => name)].map((name) => `--${name}`)
}

function addClear(fault: Command, cli: CliContext): void {
  fault
    .command('clear')
    .description('Take back the named faults, or all; what they do to an instance ends.')
    .argument('[faults...]', 'their ids')
    .addOption(labOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan lab fault clear', 'capstan lab fault clear f1 f2'))
    .action(async (ids: string[], options: LabOptions) => {
      let answer: FaultList = {}
      const paths = ids.length === 0 ? ['faults'] : ids.map((id) => `faults/${encodeURIComponent(id)}`)
      for (const path of paths) answer = await ask<FaultList>(cli, options, { method: 'DELETE', path })
      tell(cli, options, answer)
    })
}

function tell(cli: CliContext, { json }: LabOptions, answer: FaultList): void {
  if (json) cli.json(answer)
  else cli.lines(faultLines(answer.faults ?? [], cli.paint))
}

function share(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value > 0 && value <= 1)) throw new InvalidArgumentError('It must be a number above 0 and up to 1.')
  return value
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 0xffffffff) throw new InvalidArgumentError('It must be a whole number from 0 to 4294967295.')
  return value
}
