/** `capstan ops fences`: operations behind whose fence nobody is served now. */
import { type Command, Option } from 'commander'
import { FINAL_STATUSES, type OperationStatus } from '../../../contracts/operation'
import { EXIT } from '../../exit-codes'
import { FENCING_KINDS, fenceAlerts, fencedBy } from '../../fence-alerts'
import { fenceMetrics } from '../../fence-metrics'
import { duration } from '../../quantities'
import type { CliContext } from '../context'
import { example, jsonOption } from '../options'
import { STATUSES } from '../render/outcome'
import { oneLine } from '../render/quoted'
import { table } from '../render/table'

/** There are not that many at once. */
const LOOKED_AT = 500
const OPEN: readonly OperationStatus[] = STATUSES.filter((status) => !FINAL_STATUSES.includes(status))

export function addOpsFences(ops: Command, cli: CliContext): void {
  ops
    .command('fences')
    .summary('operations behind whose fence nobody can write')
    .description(
      'Every operation that has closed a database and opened nothing yet, and since when nobody can write. Exit 1 when one stands for longer than it should, or waits for a person. Contacts nothing but the ledger.',
    )
    .addOption(jsonOption())
    .addOption(new Option('--prometheus', 'as metrics, in the text format of Prometheus').conflicts('json'))
    .addHelpText('after', example('capstan ops fences', 'capstan ops fences --prometheus'))
    .action(async (options: { json?: boolean; prometheus?: boolean }) => {
      const now = Date.now()
      const open = await cli.withLedger((ledger) => ledger.listOperations({ statuses: OPEN, mode: 'apply', limit: LOOKED_AT }))
      const fenced = open.filter(({ kind }) => FENCING_KINDS.includes(kind)).flatMap((document) => fencedBy(document) ?? [])
      const found = fenced.map((one) => ({ ...one, alerts: fenceAlerts(one, now) }))
      if (options.json) cli.json({ version: 1, fenced: found })
      else if (options.prometheus) cli.lines(fenceMetrics(fenced, now))
      else if (found.length === 0) cli.lines(['No operation keeps anybody from writing.'])
      else {
        const rows = found.map(({ operation, database, status, since }) => [
          operation,
          database,
          status,
          duration(now - Date.parse(since)),
        ])
        cli.lines(table(['OPERATION', 'DATABASE', 'STATUS', 'CLOSED FOR'], rows, cli.paint))
        cli.lines(found.flatMap(({ alerts }) => alerts.map(({ message }) => `${cli.paint('red', '✘')} ${oneLine(message)}`)))
      }
      if (found.some(({ alerts }) => alerts.length > 0)) cli.exit = EXIT.finding
    })
}
