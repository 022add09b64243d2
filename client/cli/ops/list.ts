/** `capstan ops list`: the operations that the ledger holds, newest first. */
import { type Command, Option } from 'commander'
import type { OperationDocument, OperationKind, OperationStatus } from '../../../contracts/operation'
import { duration } from '../../quantities'
import type { CliContext } from '../context'
import { example, jsonOption, oneOrMoreOf, positiveInteger, since } from '../options'
import { STATUSES } from '../render/outcome'
import { table } from '../render/table'

interface ListOptions {
  readonly status?: readonly OperationStatus[]
  readonly kind?: string
  readonly database?: string
  readonly since?: string
  readonly limit: number
  readonly json?: boolean
}

const KINDS = Object.keys({
  migrate: true,
  snapshot: true,
  restore: true,
  'verify-backup': true,
  'recover-rows': true,
  'find-moment': true,
  replace: true,
  overwrite: true,
  replicate: true,
  switchover: true,
  failover: true,
  exchange: true,
  upgrade: true,
  salvage: true,
} satisfies Record<OperationKind, true>)

export function addOpsList(ops: Command, cli: CliContext): void {
  ops
    .command('list')
    .description('Operations, newest first.')
    .option(
      '--status <status>',
      `only those that are so, several joined by commas: ${STATUSES.join(', ')}`,
      oneOrMoreOf(STATUSES),
    )
    .addOption(new Option('--kind <kind>', 'only those of one kind').choices(KINDS))
    .option('--database <name>', 'only those of one database')
    .option('--since <time>', 'only those started since then: a time ago such as 24h or 7d, or an instant in UTC', since)
    .option('--limit <count>', 'at most this many', positiveInteger, 20)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example('capstan ops list --database shop --since 7d', 'capstan ops list --status needs-operator,awaiting-approval'),
    )
    .action(async (options: ListOptions) => {
      const { limit, status, json: _, ...filters } = options
      const query = { ...filters, ...(status === undefined ? {} : { statuses: status }) }
      // One more than is shown tells whether there are more.
      const found = await cli.withLedger((ledger) => ledger.listOperations({ ...query, limit: limit + 1 }))
      const operations = found.slice(0, limit)
      const more = found.length > limit
      if (options.json) return cli.json({ version: 1, operations, more })
      if (operations.length === 0) {
        return cli.lines([Object.keys(query).length === 0 ? 'No operations yet.' : 'No operation is like that.'])
      }
      const heads = ['ID', 'KIND', 'DATABASE', 'STATUS', 'VERDICT', 'STARTED', 'TOOK', 'BY']
      cli.lines(table(heads, operations.map(row), cli.paint))
      if (more) cli.lines([cli.paint('dim', `There are more: --limit ${limit * 2} shows twice as many.`)])
    })
}

function row(document: OperationDocument): string[] {
  const { id, kind, databases, status, verdict, startedAt, finishedAt, requestedBy } = document
  const took = finishedAt === null ? '' : duration(Date.parse(finishedAt) - Date.parse(startedAt))
  const started = startedAt.replace('T', ' ').replace(/\.\d+Z$/, 'Z')
  return [id, kind, databases.join(','), status, verdict ?? '', started, took, requestedBy]
}
