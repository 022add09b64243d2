/** `capstan scout`: what would hurt first. Looks, and changes nothing. */
import { type Command, Option } from 'commander'
import { Failure, failure } from '../../contracts/failures'
import type { Ledger } from '../../ledger/ledger'
import { parsePostgresUrl } from '../../postgres/connect/url'
import { databaseOf, fleetFileOf } from '../config'
import { EXIT, exitOfFailure } from '../exit-codes'
import { findDatabase, readFleet } from '../fleet/read-fleet'
import { fleetTarget, type Scouted, type ScoutTarget, scout } from '../scout'
import { shownInput } from '../shown-input'
import type { CliContext } from './context'
import { urlOption } from './migrations/open'
import { example, fleetOption, jsonOption } from './options'
import { scoutedLines, unreachedLines } from './render/scout'

interface ScoutOptions {
  readonly fleet?: string
  readonly all?: boolean
  readonly url?: string
  readonly everyDatabase?: boolean
  readonly json?: boolean
}

/** One that could not be looked at, among others. */
interface Unreached {
  readonly name: string | null
  readonly error: { readonly code: Failure['code']; readonly message: string }
}

export function addScout(program: Command, cli: CliContext): void {
  program
    .command('scout')
    .summary('what would hurt first: looks, and changes nothing')
    .description(
      'Looks at a database and its instance for what would hurt first, each with the command that mends it or shows more. Read-only: ' +
        'short transactions, no waiting for locks, no row of any table. What the role may not see is named. Exit 1 when something was found.',
    )
    .argument('[database]', 'name in the fleet file; it is reached as its connection admin')
    .addOption(new Option('--all', 'every database of the fleet file').conflicts('url'))
    .addOption(fleetOption().conflicts('url'))
    .addOption(urlOption())
    .option('--every-database', 'look into every database of the instance, not only into the one that is named')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example('capstan scout --url postgres://migrator@localhost/shop', 'capstan scout --all --fleet fleet.yaml'),
    )
    .action(async (database: string | undefined, options: ScoutOptions) => {
      refuseTwoTargets(database, options)
      const targets = await targetsOf(cli, database, options)
      const leave = new AbortController()
      const interrupted = failure('OPERATION_ABORTED', 'Interrupted; nothing was changed. Run it again to look again.')
      const stopListening = cli.io.onInterrupt(() => leave.abort(interrupted))
      try {
        const results = await withLedgerIfKnown(cli, (ledger) => scoutEach(targets, { options, ledger, signal: leave.signal }))
        tell(cli, options, results)
      } finally {
        stopListening()
      }
    })
}

function refuseTwoTargets(database: string | undefined, { all, url }: ScoutOptions): void {
  // Not repeated: it may hold a password.
  if (database?.includes('://'))
    throw failure('OPTION_INVALID', 'A database is named as the fleet file calls it; give a URL with --url.', { option: 'url' })
  if (database === undefined || (!all && url === undefined)) return
  const message = `${shownInput(database)} and ${all ? '--all' : '--url'} are both given; leave one of them out.`
  throw failure('OPTION_INVALID', message, { option: all ? 'all' : 'url' })
}

/** A target that is asked for when it is its turn: one whose password is missing keeps nobody from the others. */
interface LateTarget {
  readonly name: string | null
  readonly open: () => Promise<ScoutTarget>
}

async function targetsOf(cli: CliContext, database: string | undefined, options: ScoutOptions): Promise<LateTarget[]> {
  const { settings } = cli
  if (database === undefined && !options.all) {
    if (options.url === undefined && settings.databaseUrl === null) {
      throw failure(
        'OPTION_INVALID',
        'No database is named: give a name of the fleet file, --all, or --url postgres://user@host:port/database.',
        { option: 'url' },
      )
    }
    const door = databaseOf(settings, options.url)
    const parsed = parsePostgresUrl(door.url, { applicationName: 'capstan scout' })
    const target = { name: null, options: { ...parsed, password: parsed.password || (door.password ?? '') } }
    return [{ name: null, open: async () => target }]
  }
  const fleet = await readFleet(fleetFileOf(settings, options.fleet))
  const entries = database === undefined ? fleet.databases : [findDatabase(fleet, database)]
  return entries.map((entry) => ({ name: entry.name, open: () => fleetTarget(entry, settings.resolveSecret) }))
}

async function withLedgerIfKnown<T>(cli: CliContext, work: (ledger: Ledger | null) => Promise<T>): Promise<T> {
  return cli.settings.ledgerUrl === null ? work(null) : cli.withLedger(work)
}

/** One that is asked for alone fails as it does; among others it is told beside them. */
async function scoutEach(
  targets: readonly LateTarget[],
  { options, ledger, signal }: { options: ScoutOptions; ledger: Ledger | null; signal: AbortSignal },
): Promise<(Scouted | Unreached)[]> {
  const results: (Scouted | Unreached)[] = []
  for (const { name, open } of targets) {
    try {
      results.push(await scout({ target: await open(), everyDatabase: options.everyDatabase === true, ledger, signal }))
    } catch (error) {
      if (!options.all || signal.aborted || !(error instanceof Failure)) throw error
      results.push({ name, error: { code: error.code, message: error.message } })
    }
  }
  return results
}

function tell(cli: CliContext, options: ScoutOptions, results: readonly (Scouted | Unreached)[]): void {
  const unreached = results.flatMap((result) => ('error' in result ? [result.error] : []))
  const found = results.some((result) => !('error' in result) && result.findings.length > 0)
  const [first] = unreached
  cli.exit = found ? EXIT.finding : first === undefined ? EXIT.success : exitOfFailure(first.code)
  if (options.json) cli.json({ version: 1, scouted: results })
  else if (results.length === 0) cli.lines(['The fleet file names no database.'])
  else show(cli, results)
}

function show(cli: CliContext, results: readonly (Scouted | Unreached)[]): void {
  const view = { paint: cli.paint, columns: cli.io.columns() }
  for (const [index, result] of results.entries()) {
    if (index > 0) cli.lines([''])
    cli.lines('error' in result ? unreachedLines(result, view) : scoutedLines(result, view))
  }
}
