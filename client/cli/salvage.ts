/** `capstan salvage`: what an old writer has alone that a failover gave up, and what of it goes over to the new one. */
import type { Command } from 'commander'
import { failure } from '../../contracts/failures'
import { SALVAGE_DOCUMENTS, type SalvageReport } from '../../contracts/salvage'
import { fleetFileOf } from '../config'
import { EXIT } from '../exit-codes'
import { findDatabase, readFleet } from '../fleet/read-fleet'
import { parseOperationId } from '../operation-id'
import { counted } from '../quantities'
import { writeSalvageValues } from '../salvage-values'
import { prepareSalvage, startSalvage } from '../start-salvage'
import type { CliContext } from './context'
import { addLaunchOptions, type LaunchOptions, launch } from './launch'
import { example, fleetOption, jsonOption, someText } from './options'
import { oneLine } from './render/quoted'
import { salvageLines } from './render/salvage'
import { several } from './two-databases'

export function addSalvage(program: Command, cli: CliContext): void {
  const group = program
    .command('salvage')
    .description('Of an old writer that a failover gave up: which rows it has alone, and bringing them over.')
  addRows(group, cli)
  addValues(group, cli)
}

interface RowsOptions extends LaunchOptions {
  readonly fleet?: string
  readonly into: string
  readonly merge: readonly string[]
  readonly fireTriggers?: boolean
  readonly published?: boolean
}

function addRows(group: Command, cli: CliContext): void {
  const command = group
    .command('rows')
    .summary('which rows the old writer has alone, or otherwise; and bring missing ones over')
    .description(
      'Starts the old writer for the control plane alone (its networks stay closed), compares every table by its key with the new writer, and reports counts and keys. ' +
        'With --merge rows that the new writer lacks go over, by key: no row that is there is touched, and somebody approves them before. Exit 1 while rows are left.',
    )
    .argument('<source>', 'name of the database in the fleet file that was given up')
    .addOption(fleetOption())
    .requiredOption('--into <writer>', 'name of the one that is the writer since', someText)
    .option('--merge <table>', 'bring rows over that are missing of this table, as schema.table; may be repeated', several, [])
    .option('--fire-triggers', 'triggers of the tables may run for what goes over')
    .option(
      '--published',
      'a publication of all tables may carry the staged rows on: subscribers have these tables, or there are none',
    )
  addLaunchOptions(command)
    .addHelpText(
      'after',
      example(
        'capstan salvage rows shop --into shop-azure',
        'capstan salvage rows shop --into shop-azure --merge public.orders --merge public.order_lines',
      ),
    )
    .action(async (old: string, options: RowsOptions) => {
      const { into, merge, fireTriggers = false, published = false } = options
      refuseStray(options)
      const fleetFile = fleetFileOf(cli.settings, options.fleet)
      const bundle = await prepareSalvage({ fleetFile, old, writer: into, merge, fireTriggers, published })
      const what = merge.length === 0 ? 'Look what' : `Bring missing rows of ${merge.join(', ')} over that`
      const { database, salvage } = bundle
      await launch<SalvageReport>(cli, options, {
        question: `${what} ${salvage.old.name} (instance ${salvage.old.instance}) has alone, beside ${database.name}? Its instance is started for the control plane alone.`,
        start: (doors, request) => startSalvage(doors, { ...request, bundle }),
        planOf: async (ledger, operation) =>
          (await ledger.getDocument({ operation, name: SALVAGE_DOCUMENTS.report })) as SalvageReport | null,
        planLines: (plan) => salvageLines(plan, { paint: cli.paint }),
      })
    })
}

function refuseStray({ merge, fireTriggers, published }: RowsOptions): void {
  const stray = fireTriggers ? 'fire-triggers' : published ? 'published' : null
  if (stray === null || merge.length > 0) return
  const message = `--${stray} says something of rows that go over, and none are asked for: name their table with --merge.`
  throw failure('OPTION_INVALID', message, { option: stray })
}

interface ValuesOptions {
  readonly fleet?: string
  readonly file: string
  readonly json?: boolean
}

function addValues(group: Command, cli: CliContext): void {
  group
    .command('values')
    .summary('the rows themselves that a salvage has found, into a file of your own')
    .description(
      'Compares the two databases of a salvage once more, from here, and writes each row that the old writer has alone, or otherwise, as a line of JSON into a new file that only you may read. Exit 1 where not all could be read. ' +
        'The values go nowhere else. Both databases have to let this machine in: run it where the control plane runs (CAPSTAN_POSTGRES_SOURCE_ADDRESS: from which of its addresses).',
    )
    .argument('<operation>', 'of "capstan salvage rows", which has looked', parseOperationId)
    .requiredOption('--file <file>', 'that is not there yet', someText)
    .addOption(fleetOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan salvage values salvage-shop-1 --file rows.jsonl'))
    .action(async (operation: string, { file, ...options }: ValuesOptions) => {
      const fleet = await readFleet(fleetFileOf(cli.settings, options.fleet))
      const report = (await cli.withLedger((ledger) =>
        ledger.getDocument({ operation, name: SALVAGE_DOCUMENTS.report }),
      )) as SalvageReport | null
      if (report?.looked == null) {
        const message = `${operation} has no report of a salvage: name an operation of "capstan salvage rows" that has looked ("capstan ops list --kind salvage").`
        throw failure('OPERATION_UNKNOWN', message, { operation })
      }
      const leave = new AbortController()
      const stopListening = cli.io.onInterrupt(() =>
        leave.abort(failure('OPERATION_ABORTED', 'Interrupted: the file is not whole.')),
      )
      const { resolveSecret, sourceAddress } = cli.settings
      const { rows, left } = await writeSalvageValues({
        ...{ looked: report.looked, file, resolveSecret, sourceAddress, signal: leave.signal },
        ...{ old: findDatabase(fleet, report.old), writer: findDatabase(fleet, report.writer) },
      }).finally(stopListening)
      if (left.length > 0) cli.exit = EXIT.finding
      if (options.json) return cli.json({ version: 1, operation, file, rows, left })
      cli.lines([
        `${counted(rows, 'row')} in ${file}, which nobody else may read. Remove it once it has served.`,
        ...(left.length === 0 ? [] : ['Not all of the old writer was read: what it has alone may be missing there.']),
        ...left.map((one) => `  ${cli.paint('yellow', '▲')} ${oneLine(one)}`),
      ])
    })
}
