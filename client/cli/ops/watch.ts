/** `capstan ops watch OPERATION`: follows it to its end, from wherever it was started. */
import type { Command } from 'commander'
import { parseOperationId } from '../../operation-id'
import type { CliContext } from '../context'
import { followOperation } from '../follow'
import { eventsOption, example, jsonOption, waitTimeoutOption } from '../options'

export function addOpsWatch(ops: Command, cli: CliContext): void {
  ops
    .command('watch')
    .description(
      'Follow an operation to its end, and end with its exit code. An operation that needs an operator ends it at once (exit 6), one that ' +
        'waits for an approval after --wait-timeout (exit 8), one whose workflow keeps failing with exit 70. The ledger or Temporal being ' +
        'away is waited for, five minutes at most (exit 4). Ctrl-C stops watching; the operation goes on.',
    )
    .argument('<operation>')
    .addOption(waitTimeoutOption())
    .addOption(eventsOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example('capstan ops watch migrate-shop-k3x7qa', 'capstan ops watch migrate-shop-k3x7qa --events | tail -1'),
    )
    .action(async (operation: string, options: { waitTimeout: number; events?: boolean; json?: boolean }) => {
      const id = parseOperationId(operation)
      const output = options.events ? 'events' : options.json ? 'json' : 'people'
      await cli.withLedger(async (ledger) => {
        const how = { operation: id, approvalTimeoutMs: options.waitTimeout, output } as const
        const { document } = await followOperation(cli, { ledger }, how)
        if (output === 'json') cli.json(document)
      })
    })
}
