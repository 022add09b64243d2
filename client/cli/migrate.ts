/** `capstan migrate DATABASE`: checks the files, starts the operation, follows it to its end. */
import type { Command } from 'commander'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { MigrationPlan } from '../../contracts/migrate'
import type { OperationDocument } from '../../contracts/operation'
import type { Ledger } from '../../ledger/ledger'
import { fleetFileOf, temporalOf } from '../config'
import { type Doors, findOperation } from '../decide'
import { EXIT } from '../exit-codes'
import { type PreparedMigrate, prepareMigrate } from '../prepare-migrate'
import { type StartedOperation, startMigrate } from '../start-migrate'
import type { CliContext } from './context'
import { type FollowOptions, followOperation, showOutcome } from './follow'
import { example, fleetOption, jsonOption, waitTimeoutOption } from './options'
import { planLines } from './render/plan'
import { countOf } from './render/quantities'

interface MigrateOptions {
  readonly fleet?: string
  readonly migrations?: string
  readonly plan?: boolean
  readonly wait: boolean
  readonly waitTimeout: number
  readonly yes?: boolean
  readonly operation?: string
  readonly json?: boolean
  readonly events?: boolean
}

export function addMigrate(program: Command, cli: CliContext): void {
  program
    .command('migrate')
    .summary('bring a database to its files’ version, through a canary')
    .description(
      'Rehearses the pending migrations on a restored copy, judges what they cost, and applies them to the database only when the ' +
        'copy came through. Every file of the folder has to parse, those applied long ago too: placeholders are not known here. ' +
        'Ctrl-C stops watching; the operation goes on.',
    )
    .argument('<database>', 'name in the fleet file')
    .addOption(fleetOption())
    .option('--migrations <folder>', 'instead of the folder that the fleet file names')
    .option('--plan', 'show what would happen and change nothing')
    .option('--no-wait', 'start it and return at once')
    .addOption(waitTimeoutOption())
    .option('--yes', 'do not ask before starting')
    .option('--operation <id>', 'an id of your own; repeating it joins the operation instead of starting another')
    .option('--events', 'one JSON document a line, whenever the operation changes; the last one is its end')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example('capstan migrate shop --plan', 'capstan migrate shop --operation migrate-shop-build-812 --json'),
    )
    .action(async (database: string, options: MigrateOptions) => {
      const prepared = await prepareMigrate({
        fleetFile: fleetFileOf(cli.settings, options.fleet),
        database,
        migrations: options.migrations ?? null,
      })
      temporalOf(cli.settings)
      if (!(await confirmed(cli, prepared, options))) {
        cli.lines(['Nothing was started.'])
        cli.exit = EXIT.stopped
        return
      }
      await cli.withDoors(async (doors) => {
        const { started, interrupted } = await startUninterrupted(cli, doors, prepared, options)
        if (options.wait && !interrupted) await follow(cli, doors, started, prepared, options)
        else await tellStarted(cli, doors.ledger, started, options)
      })
    })
}

async function confirmed(
  cli: CliContext,
  { bundle, migrationsFolder }: PreparedMigrate,
  options: MigrateOptions,
): Promise<boolean> {
  if (options.plan || options.yes || options.json || options.events || !cli.io.interactive) return true
  const { name, environment, instance } = bundle.database
  const scripts = countOf(bundle.migrations.length, 'script')
  const answer = await cli.io.ask(
    `Migrate ${name} (${environment}, instance ${instance}) with the ${scripts} of ${migrationsFolder}? [y/N] `,
  )
  return /^y(es)?$/i.test(answer.trim())
}

/** Ctrl-C between recording the operation and starting it would leave a record of nothing: it is heard afterwards. */
async function startUninterrupted(
  cli: CliContext,
  doors: Doors,
  prepared: PreparedMigrate,
  options: MigrateOptions,
): Promise<{ started: StartedOperation; interrupted: boolean }> {
  const stopListening = cli.io.onInterrupt(() => {
    cli.exit = EXIT.detached
  })
  try {
    const started = await startMigrate(doors, {
      bundle: prepared.bundle,
      mode: options.plan ? 'plan' : 'apply',
      operation: options.operation ?? null,
      requestedBy: cli.settings.requestedBy,
      heartbeatTimeoutMs: cli.settings.heartbeatTimeoutMs,
    })
    return { started, interrupted: cli.exit === EXIT.detached }
  } finally {
    stopListening()
  }
}

async function follow(
  cli: CliContext,
  doors: Doors,
  { operation, started }: StartedOperation,
  prepared: PreparedMigrate,
  options: MigrateOptions,
): Promise<void> {
  const output: FollowOptions['output'] = options.events ? 'events' : options.json ? 'json' : 'people'
  if (!started && output === 'people') cli.lines([`${operation} exists already; joining it.`])
  const { document } = await followOperation(cli, doors, { operation, approvalTimeoutMs: options.waitTimeout, output })
  const plan = options.plan ? await planOf(doors.ledger, operation) : null
  if (output === 'json') cli.json(options.plan ? { ...document, plan } : document)
  else if (output === 'people' && plan !== null) showPlan(cli, plan, prepared.bundle.database)
}

async function tellStarted(
  cli: CliContext,
  ledger: Ledger,
  { operation }: StartedOperation,
  options: MigrateOptions,
): Promise<void> {
  const document: OperationDocument = await findOperation(ledger, operation)
  if (options.json || options.events) cli.json(document)
  else showOutcome(cli, document)
}

export async function planOf(ledger: Ledger, operation: string): Promise<MigrationPlan | null> {
  return (await ledger.getDocument({ operation, name: 'plan' })) as MigrationPlan | null
}

function showPlan(cli: CliContext, plan: MigrationPlan, entry: DatabaseEntry): void {
  cli.lines(['', ...planLines(plan, entry, { paint: cli.paint, columns: cli.io.columns() })])
}
