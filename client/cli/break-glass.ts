/** `capstan break-glass show|finish|revert|reconcile`: going on with a switchover while Temporal and the ledger are down. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { BreakGlassDeed, BreakGlassPapers } from '../../contracts/break-glass'
import { failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import { standingOf } from '../../postgres/break-glass/standing'
import { noFailoverRan } from '../break-glass/failovers'
import { type From, findThePapers, parseFrom, reachOf } from '../break-glass/find'
import { readJournal } from '../break-glass/journal'
import { reconcile } from '../break-glass/reconcile'
import { assertPossible, runByHand } from '../break-glass/run'
import { fleetFileOf } from '../config'
import { EXIT } from '../exit-codes'
import { findDatabase, type LoadedFleet, readFleet } from '../fleet/read-fleet'
import { parseOperationId } from '../operation-id'
import { shownInput } from '../shown-input'
import type { CliContext } from './context'
import { byOption, durationMs, example, fleetOption, jsonOption, someText } from './options'
import { addressLines, endpointLines, standingLines, willDoLines } from './render/break-glass'
import { oneLine } from './render/quoted'
import { paperLines } from './render/switchover'

interface Named {
  readonly fleet?: string
  readonly papers?: string
  readonly from?: From
  readonly json?: boolean
  readonly yes?: boolean
}

interface DeedOptions extends Named {
  readonly confirm?: string
  /** Of --no-failover-ran; true: it was not given. */
  readonly failoverRan?: string | true
  readonly journal?: string
  readonly by?: string
}

const DEEDS = {
  finish: {
    summary: 'move writing to the standby by hand',
    description:
      'Goes on from wherever the switchover stands: keeps every worker off, closes the source and proves it, waits until the standby has all, opens it, and has the old writer ' +
      'follow. A crossing that did not come to its end is begun again, with applications kept out meanwhile. The standby is opened only once the source is proven closed: where that ' +
      'cannot be asked nothing is opened. Then applications are led there, by what the environment gives this command as it does a worker. Safe to repeat after whatever death.',
  },
  revert: {
    summary: 'take a switchover back by hand: the source goes on',
    description:
      'Opens the source again, leads applications back where they were led away already, and has the standby follow as before. Only while applications are kept out of the standby ' +
      'and nothing was written there that the source has not; afterwards there is only forward. Safe to repeat after whatever death.',
  },
} as const satisfies Record<BreakGlassDeed, object>

export function addBreakGlass(program: Command, cli: CliContext): void {
  const group = program
    .command('break-glass')
    .description(
      'Go on with a switchover by hand, while Temporal and the ledger are down: by the papers that it wrote before it closed anything, and with the fleet file’s roles.',
    )
  addShow(group, cli)
  for (const deed of ['finish', 'revert'] as const) addDeed(group, cli, deed)
  addReconcile(group, cli)
}

function named(command: Command): Command {
  return command
    .argument('[operation]', 'the switchover; may be left out with --papers or --from, which is the newest then')
    .addOption(fleetOption())
    .option('--papers <file>', 'its papers as a worker wrote them (default: those in CAPSTAN_PAPERS)', someText)
    .option(
      '--from <name@host:port>',
      'where either instance of the pair answers, which holds the papers too; the name is the fleet file’s',
      from,
    )
    .addOption(jsonOption())
}

function from(text: string): From {
  const found = parseFrom(text)
  if (found !== null) return found
  throw new InvalidArgumentError('It must be a name of the fleet file and where it answers, such as shop@10.0.0.1:5432.')
}

function addShow(group: Command, cli: CliContext): void {
  named(group.command('show').summary('where it stands, and the papers'))
    .description(
      'Shows the papers, which say what is left to do and how it is taken back, as SQL; and asks both databases where the switchover stands, once you have said that the addresses in ' +
        'the papers are theirs: our password goes there. Changes nothing.',
    )
    .option('--yes', 'the addresses in the papers are right: do not ask')
    .addHelpText(
      'after',
      example(
        'capstan break-glass show switchover-shop-k3x7qa',
        'capstan break-glass show --from shop-azure@10.1.0.4:5432 --yes',
      ),
    )
    .action(async (operation: string | undefined, options: Named) => {
      const { papers, fleet } = await papersFor(cli, operation, options)
      const { json } = options
      if (!json) cli.lines([...addressLines(papers, cli.paint), ''])
      const asked = options.yes || (!json && cli.io.interactive && (await agrees(cli, 'Log in at both, to ask where it stands?')))
      const seen = asked ? await standingOf(await reachOf(papers, fleet, cli.settings.resolveSecret), papers) : null
      if (json) return cli.json({ version: 1, standing: seen, papers })
      const standing = seen === null ? [NOT_ASKED] : standingLines(papers, seen, cli.paint)
      cli.lines([...standing, '', ...paperLines(papers, cli.paint)])
    })
}

const NOT_ASKED = 'Neither was asked where it stands: --yes says that the addresses are right.'

interface Found {
  readonly papers: BreakGlassPapers
  readonly fleet: LoadedFleet
}

/** Nobody has logged in at an address yet that only the papers name: whoever can write them would be told a password. */
async function papersFor(cli: CliContext, operation: string | undefined, options: Named): Promise<Found> {
  const { settings } = cli
  if (options.papers !== undefined && options.from !== undefined)
    throw failure('OPTION_INVALID', '--papers and --from both say where the papers are: give one of them.', { option: 'from' })
  const id: OperationId | null = operation === undefined ? null : parseOperationId(operation)
  const fleet = await readFleet(fleetFileOf(settings, options.fleet))
  const where = { operation: id, file: options.papers ?? null, from: options.from ?? null, folder: settings.papers }
  return { papers: await findThePapers(where, fleet, settings.resolveSecret), fleet }
}

function addDeed(group: Command, cli: CliContext, deed: BreakGlassDeed): void {
  const command = named(group.command(deed).summary(DEEDS[deed].summary).description(DEEDS[deed].description))
  if (deed === 'revert')
    command.option(
      '--no-failover-ran <why>',
      'you answer for it that no failover has opened the standby, should that not answer; goes into the journal',
      someText,
    )
  command
    .option('--yes', 'the addresses in the papers are right, and this is to be done: do not ask the first question')
    .option('--confirm <source>', 'the name of the source’s database in the fleet file: instead of the second question', someText)
    .option(
      '--journal <file>',
      'where what is done is written down (default: ./break-glass-OPERATION.jsonl); one that is there is gone on with',
      someText,
    )
    .addOption(byOption())
    .addHelpText(
      'after',
      example(
        `capstan break-glass ${deed} switchover-shop-k3x7qa`,
        `capstan break-glass ${deed} --from shop-azure@10.1.0.4:5432 --yes --confirm shop`,
      ),
    )
    .action((operation: string | undefined, options: DeedOptions) => doIt(cli, deed, { operation, options }))
}

async function doIt(
  cli: CliContext,
  deed: BreakGlassDeed,
  { operation, options }: { readonly operation: string | undefined; readonly options: DeedOptions },
): Promise<void> {
  refuseUnconfirmed(cli, options)
  const { papers, fleet } = await papersFor(cli, operation, options)
  const { journalKey, requestedBy, resolveSecret, forEndpoints } = cli.settings
  if (!options.json) cli.lines([...addressLines(papers, cli.paint), ''])
  await agree(cli, deed, { papers, options })
  const reach = await reachOf(papers, fleet, resolveSecret)
  const seen = await standingOf(reach, papers)
  if (!options.json) cli.lines([...standingLines(papers, seen, cli.paint), '', ...willDoLines(deed, papers, cli.paint), ''])
  assertPossible(deed, papers, seen)
  const why = typeof options.failoverRan === 'string' ? options.failoverRan : null
  const neverFailedOver = () => noFailoverRan(papers, { withLedger: (work) => cli.withLedger(work), why })
  if (deed === 'revert' && seen.standby === null) await neverFailedOver()
  await confirm(cli, papers, options)
  const journal = options.journal ?? `break-glass-${papers.operation}.jsonl`
  const steps: { id: string; event: string; said: string }[] = []
  const { left, endpoint } = await runByHand({
    ...{ deed, papers, fleet, reach, env: forEndpoints, journal, journalKey, by: options.by ?? requestedBy, neverFailedOver },
    told: ({ id, title }, event, said) => {
      steps.push({ id, event, said })
      if (!options.json && event !== 'before') cli.lines([`${event === 'after' ? '✔' : '✘'} ${title}: ${oneLine(said)}`])
    },
  })
  const { kind } = findDatabase(fleet, papers.sides.source.name).endpoint ?? { kind: 'none' }
  // whoever is led nowhere is served by nobody: a script has to see that
  if (!endpoint.moved && kind !== 'none') cli.exit = EXIT.finding
  const done = steps.filter(({ event }) => event === 'after').map(({ id, said }) => ({ id, said }))
  if (options.json)
    return cli.json({ version: 1, operation: papers.operation, deed, before: seen, steps: done, endpoint, left, journal })
  cli.lines([
    '',
    ...left,
    ...(endpoint.moved ? [] : endpointLines(papers, deed)),
    ...(left.length > 0
      ? []
      : [`Once the ledger and Temporal are there again: capstan break-glass reconcile ${oneLine(journal)}`]),
  ])
}

/** Nobody can be asked: both answers have to be there before anything is looked at. */
function refuseUnconfirmed({ io }: CliContext, { yes, confirm: name, json }: DeedOptions): void {
  if (yes && name !== undefined) return
  if (!json && io.interactive) return
  const option = yes ? 'confirm' : 'yes'
  const message =
    'This is asked twice, and nobody can be asked here: give --yes, and --confirm with the name of the source’s database.'
  throw failure('OPTION_INVALID', message, { option })
}

/** The first question, before anybody logs in at an address that only the papers name. */
async function agree(
  cli: CliContext,
  deed: BreakGlassDeed,
  { papers: { sides, operation }, options }: { readonly papers: BreakGlassPapers; readonly options: DeedOptions },
): Promise<void> {
  const { name } = sides.source
  if (options.confirm !== undefined && options.confirm !== name) {
    const message = `--confirm is ${shownInput(options.confirm)}, and the source of ${operation} is ${name}: nothing was changed.`
    throw failure('OPTION_INVALID', message, { option: 'confirm', operation })
  }
  const what =
    deed === 'finish'
      ? `Log in at both, and move writing from ${name} to ${sides.standby.name} by hand?`
      : `Log in at both, take ${operation} back by hand, and open ${name}?`
  if (!options.yes && !(await agrees(cli, what))) throw notAgreed()
}

async function agrees({ io }: CliContext, what: string): Promise<boolean> {
  return /^y(es)?$/i.test((await io.ask(`${oneLine(what)} [y/N] `)).trim())
}

/** The second question, by what both have said. */
async function confirm({ io }: CliContext, { sides }: BreakGlassPapers, options: DeedOptions): Promise<void> {
  const { name } = sides.source
  if (options.confirm !== undefined) return
  const said = (await io.ask(`Type the name of the source’s database to go on (${oneLine(name)}): `)).trim()
  if (said !== name) throw notAgreed()
}

function notAgreed(): Error {
  return failure('OPERATION_REJECTED', 'Nothing was changed.')
}

const WAIT_MS = 60_000

function addReconcile(group: Command, cli: CliContext): void {
  group
    .command('reconcile')
    .summary('tell the ledger what was done by hand')
    .description(
      'Once the ledger and Temporal are there again: checks that the journal is whole, writes it into the ledger, has the pair stand there as it does, and lets the operation end. Its ' +
        'workflow cannot act any more; where it waits for an operator it is told. Safe to repeat.',
    )
    .argument('<journal>', 'the file that "finish" or "revert" wrote')
    .addOption(
      new Option('--wait <time>', 'how long to wait for a workflow that has not come to a stop yet')
        .argParser(durationMs)
        .default(WAIT_MS, '1m'),
    )
    .addOption(byOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan break-glass reconcile break-glass-switchover-shop-k3x7qa.jsonl'))
    .action(async (file: string, { wait, by, json }: { wait: number; by?: string; json?: boolean }) => {
      const { journalKey, requestedBy, heartbeatTimeoutMs } = cli.settings
      const journal = await readJournal(file, journalKey)
      const done = await cli.withDoors((doors) =>
        reconcile(doors, journal, { by: by ?? requestedBy, heartbeatTimeoutMs, waitMs: wait }),
      )
      if (json) return cli.json(done)
      const { operation, outcome, status, turned, endpoint } = done
      const pair = turned ? '; in the ledger the old writer is the standby now' : ''
      cli.lines([
        `${operation}: ${outcome}, and its record is ${status}${pair}. The journal is with its documents: capstan ops show ${operation}`,
        ...(endpoint?.moved === false
          ? [
              `The endpoint was left to a person: see to it that applications are led to whoever writes (${oneLine(endpoint.said)}).`,
            ]
          : []),
      ])
    })
}
