/** `capstan scout`: what would hurt first. Looks, and changes nothing. */
import { type Command, Option } from 'commander'
import { Failure, failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { Ledger } from '../../ledger/ledger'
import { parsePostgresUrl } from '../../postgres/connect/url'
import { databaseOf, fleetFileOf } from '../config'
import { EXIT, exitOfFailure } from '../exit-codes'
import { findDatabase, readFleet } from '../fleet/read-fleet'
import { fleetTarget, type Scouted, scout, scoutByWorkers } from '../scout'
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
  readonly byWorkers?: boolean
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
        'short transactions, no waiting for locks, no row of any table. What the role may not see is named. A database of the fleet file is reached ' +
        'as its connection admin: by this command where a host is named there, otherwise by workers, which ask its cloud too. ' +
        'Exit 1 when something was found.',
    )
    .argument('[database]', 'name in the fleet file')
    .addOption(new Option('--all', 'every database of the fleet file').conflicts('url'))
    .addOption(fleetOption().conflicts('url'))
    .addOption(urlOption())
    .option('--every-database', 'look into every database of the instance, not only into the one that is named')
    .addOption(
      new Option('--by-workers', 'have workers look, and ask the cloud, also where the fleet file names a host').conflicts('url'),
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example(
        'capstan scout shop',
        'capstan scout --url postgres://migrator@localhost/shop',
        'capstan scout --all --fleet fleet.yaml',
      ),
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

/** Looked at when it is its turn: one whose password is missing, or whose workers are, keeps nobody from the others. */
interface LateLook {
  readonly name: string | null
  /** `ledger` null: none is known here. */
  readonly look: (ledger: Ledger | null, signal: AbortSignal) => Promise<Scouted>
}

async function targetsOf(cli: CliContext, database: string | undefined, options: ScoutOptions): Promise<LateLook[]> {
  const { settings } = cli
  const everyDatabase = options.everyDatabase === true
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
    return [{ name: null, look: (ledger, signal) => scout({ target, everyDatabase, ledger, signal }) }]
  }
  const fleet = await readFleet(fleetFileOf(settings, options.fleet))
  const entries = database === undefined ? fleet.databases : [findDatabase(fleet, database)]
  return entries.map((entry) => ({ name: entry.name, look: lookAt(cli, entry, options) }))
}

/** By this command where the fleet file says where the database is, unless workers are asked for. */
function lookAt(cli: CliContext, entry: DatabaseEntry, { everyDatabase = false, byWorkers }: ScoutOptions): LateLook['look'] {
  const { host } = entry.connections.admin
  return async (ledger, signal) => {
    const { settings, vigilance } = cli
    if (host !== null && !byWorkers) {
      const target = await fleetTarget(entry, host, settings.resolveSecret)
      return scout({ target, everyDatabase, ledger, signal })
    }
    const { heartbeatTimeoutMs } = settings
    const look = { entry, everyDatabase, heartbeatTimeoutMs, vigilance, signal }
    return wayOut(entry, () => cli.withDoors((doors) => scoutByWorkers(doors, look)))
  }
}

const OUT_OF_REACH: readonly Failure['code'][] = ['NOT_READY_YET', 'TEMPORAL_UNREACHABLE', 'LEDGER_UNREACHABLE']

/** Where workers are out of reach, the database itself may not be. */
async function wayOut<T>({ name, connections }: DatabaseEntry, look: () => Promise<T>): Promise<T> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof Failure) || !OUT_OF_REACH.includes(error.code) || connections.admin.host !== null) throw error
    const way = `The fleet file gives no host for ${name}, so that workers look: with connections.admin.host, or by --url, this command looks by itself.`
    throw failure(error.code, `${error.message.replace(/\.?$/, '.')} ${way}`, error.facts, { cause: error })
  }
}

async function withLedgerIfKnown<T>(cli: CliContext, work: (ledger: Ledger | null) => Promise<T>): Promise<T> {
  return cli.settings.ledgerUrl === null ? work(null) : cli.withLedger(work)
}

/** Databases at a time: one that answers late does not hold up all the others. */
const LANES = 4

/** One that is asked for alone fails as it does; among others it is told beside them. */
async function scoutEach(
  targets: readonly LateLook[],
  { options, ledger, signal }: { options: ScoutOptions; ledger: Ledger | null; signal: AbortSignal },
): Promise<(Scouted | Unreached)[]> {
  const one = async ({ name, look }: LateLook): Promise<Scouted | Unreached> => {
    try {
      signal.throwIfAborted()
      return await look(ledger, signal)
    } catch (error) {
      if (!options.all || signal.aborted || !(error instanceof Failure)) throw error
      return { name, error: { code: error.code, message: error.message } }
    }
  }
  const results = new Map<LateLook, Scouted | Unreached>()
  const waiting = targets.values()
  const lanes = Array.from({ length: LANES }, async () => {
    for (const target of waiting) results.set(target, await one(target))
  })
  // What the others have opened is closed before a failure is told.
  await Promise.allSettled(lanes)
  await Promise.all(lanes)
  return targets.flatMap((target) => results.get(target) ?? [])
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
