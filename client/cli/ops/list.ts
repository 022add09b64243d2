/** `capstan ops list`: the operations that the ledger holds, newest first. */
import type { Command } from 'commander'
import type { OperationDocument } from '../../../contracts/operation'
import type { CliContext } from '../context'
import { example, jsonOption, positiveInteger } from '../options'
import { showDuration } from '../render/quantities'
import { table } from '../render/table'

export function addOpsList(ops: Command, cli: CliContext): void {
  ops
    .command('list')
    .description('Operations, newest first.')
    .option('--database <name>', 'only those of one database')
    .option('--limit <count>', 'at most this many', positiveInteger, 20)
    .addOption(jsonOption())
    .addHelpText('after', example('capstan ops list --database shop'))
    .action(async (options: { database?: string; limit: number; json?: boolean }) => {
      const { database, limit } = options
      const operations = await cli.withLedger((ledger) =>
        ledger.listOperations({ limit, ...(database === undefined ? {} : { database }) }),
      )
      if (options.json) cli.json({ version: 1, operations })
      else if (operations.length === 0) cli.lines(['No operations yet.'])
      else
        cli.lines(table(['ID', 'KIND', 'DATABASE', 'STATUS', 'VERDICT', 'STARTED', 'TOOK', 'BY'], operations.map(row), cli.paint))
    })
}

function row(document: OperationDocument): string[] {
  const { id, kind, databases, status, verdict, startedAt, finishedAt, requestedBy } = document
  const took = finishedAt === null ? '' : showDuration(Date.parse(finishedAt) - Date.parse(startedAt))
  const started = startedAt.replace('T', ' ').replace(/\.\d+Z$/, 'Z')
  return [id, kind, databases.join(','), status, verdict ?? '', started, took, requestedBy]
}
