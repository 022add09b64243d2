/** `capstan ops show OPERATION`: its record, with every step. */
import type { Command } from 'commander'
import { findOperation } from '../../decide'
import { parseOperationId } from '../../operation-id'
import type { CliContext } from '../context'
import { showOutcome } from '../follow'
import { example, jsonOption } from '../options'
import { stepTree } from '../render/steps'

export function addOpsShow(ops: Command, cli: CliContext): void {
  ops
    .command('show')
    .description('The record of one operation.')
    .argument('<operation>')
    .addOption(jsonOption())
    .addHelpText('after', example('capstan ops show migrate-shop-k3x7qa --json'))
    .action(async (operation: string, options: { json?: boolean }) => {
      const id = parseOperationId(operation)
      const document = await cli.withLedger((ledger) => findOperation(ledger, id))
      if (options.json) return cli.json(document)
      cli.lines(stepTree(document, { paint: cli.paint, columns: cli.io.columns(), now: Date.now(), standing: false }))
      showOutcome(cli, document)
    })
}
