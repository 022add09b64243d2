/** `capstan verify diff`: whether two databases hold the same rows, and which do not. Reads, and changes nothing. */
import { type Command, InvalidArgumentError } from 'commander'
import { failure } from '../../contracts/failures'
import { connect } from '../../postgres/connect/session'
import { compareDatabases } from '../../postgres/verify/compare'
import { EXIT } from '../exit-codes'
import type { CliContext } from './context'
import { example, jsonOption } from './options'
import { LiveLines } from './render/live'
import { comparisonLines, ProgressBar } from './render/verify'
import { endpointOf, several, shownEndpoint } from './two-databases'

interface DiffOptions {
  readonly table: readonly string[]
  readonly exclude: readonly string[]
  readonly jobs: number
  readonly live?: boolean
  readonly slot: readonly string[]
  readonly showValues?: boolean
  readonly json?: boolean
}

const JOBS = 2
const JOBS_MAX = 32

export function addVerify(program: Command, cli: CliContext): void {
  const verify = program.command('verify').description('Whether data is what it should be.')
  verify
    .command('diff')
    .summary('whether two databases hold the same rows, and which do not')
    .description(
      'Compares the rows of every table of two databases, across versions, read-only and without shipping a row: hashes are summed on the servers. Exit 0 ' +
        'when all are equal, 1 when anything differs or could not be compared. Nobody may write meanwhile, unless --live is given and the target follows by replication.',
    )
    .argument('<source>', 'postgres://user@host:port/database; its password belongs into PGPASSWORD')
    .argument('<target>', 'the other one; its password is CAPSTAN_TARGET_PASSWORD, or that of the source')
    .option('--table <name>', 'only this table, as schema.table; may be repeated', several, [])
    .option('--exclude <name>', 'leave this table out; may be repeated', several, [])
    .option('--jobs <n>', `connections that read on each side, ${JOBS_MAX} at most`, jobsOf, JOBS)
    .option('--live', 'the source is written to, and the target follows it by replication')
    .option('--slot <name>', 'with --live: the slot of the source that the target reads; may be repeated', several, [])
    .option('--show-values', 'show keys of any type, and the values that differ: they may tell of persons')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example(
        'capstan verify diff postgres://migrator@old/shop postgres://migrator@new/shop',
        'capstan verify diff postgres://migrator@old/shop postgres://migrator@new/shop --table orders --jobs 4 --json',
      ),
    )
    .action(async (source: string, target: string, options: DiffOptions) => diff(cli, source, target, options))
}

async function diff(cli: CliContext, sourceUrl: string, targetUrl: string, options: DiffOptions): Promise<void> {
  if (options.slot.length > 0 && !options.live)
    throw failure('OPTION_INVALID', '--slot is given without --live: only a target that follows has one.', { option: 'slot' })
  const { databasePassword, targetPassword } = cli.settings
  const source = endpointOf('source', sourceUrl, databasePassword, 'capstan verify')
  const target = endpointOf('target', targetUrl, targetPassword ?? databasePassword, 'capstan verify')
  const leave = new AbortController()
  const interrupted = failure('OPERATION_ABORTED', 'Interrupted; nothing was changed, and nothing is known of the two databases.')
  const stopListening = cli.io.onInterrupt(() => leave.abort(interrupted))
  const bar = new ProgressBar(cli.paint, () => cli.io.progress.columns())
  const lines = cli.io.progress.live
    ? new LiveLines({ out: (text) => cli.io.err(text), rows: () => cli.io.progress.rows() }, () => bar.lines())
    : null
  lines?.start()
  try {
    const comparison = await compareDatabases({
      source: () => connect(source),
      target: () => connect(target),
      mode: options.live ? 'live' : 'static',
      jobs: options.jobs,
      selection: { tables: options.table, exclude: options.exclude },
      slots: options.slot,
      showValues: options.showValues === true,
      onProgress: (progress) => bar.show(progress),
      signal: leave.signal,
    })
    bar.clear()
    lines?.stop()
    cli.exit = comparison.verdict === 'equal' ? EXIT.success : EXIT.finding
    if (options.json) cli.json({ version: 1, source: shownEndpoint(source), target: shownEndpoint(target), ...comparison })
    else cli.lines(comparisonLines(comparison, { source: shownEndpoint(source), target: shownEndpoint(target) }, cli))
  } finally {
    bar.clear()
    lines?.stop()
    stopListening()
  }
}

function jobsOf(text: string): number {
  const jobs = Number(text)
  if (/^\d+$/.test(text) && jobs >= 1 && jobs <= JOBS_MAX) return jobs
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${JOBS_MAX}.`)
}
