/** `capstan migrate DATABASE`: checks the files, starts the operation, follows it to its end. */
import type { Command } from 'commander'
import type { MigrationPlan } from '../../contracts/migrate'
import { fleetFileOf } from '../config'
import { prepareMigrate } from '../prepare-migrate'
import { counted } from '../quantities'
import { startMigrate } from '../start-migrate'
import type { CliContext } from './context'
import { addLaunchOptions, type LaunchOptions, launch } from './launch'
import { example, fleetOption } from './options'
import { planLines } from './render/plan'

interface MigrateOptions extends LaunchOptions {
  readonly fleet?: string
  readonly migrations?: string
}

export function addMigrate(program: Command, cli: CliContext): void {
  const command = program
    .command('migrate')
    .summary('bring a database to its files’ version, through a canary')
    .description(
      'Rehearses the pending migrations on a restored copy, judges what they cost, and applies them to the database only when the ' +
        'copy came through. Standbys that follow it get the files too, one after the other. Every file of the folder has to parse, those applied long ago too: placeholders are not known here. ' +
        'Ctrl-C stops watching; the operation goes on.',
    )
    .argument('<database>', 'name in the fleet file')
    .addOption(fleetOption())
    .option('--migrations <folder>', 'instead of the folder that the fleet file names')
  addLaunchOptions(command)
    .addHelpText(
      'after',
      example('capstan migrate shop --plan', 'capstan migrate shop --operation migrate-shop-build-812 --json'),
    )
    .action(async (database: string, options: MigrateOptions) => {
      const { bundle, migrationsFolder } = await prepareMigrate({
        fleetFile: fleetFileOf(cli.settings, options.fleet),
        database,
        migrations: options.migrations ?? null,
      })
      const { name, environment, instance } = bundle.database
      const scripts = counted(bundle.migrations.length, 'script')
      await launch<MigrationPlan>(cli, options, {
        question: `Migrate ${name} (${environment}, instance ${instance}) with the ${scripts} of ${migrationsFolder}?`,
        start: (doors, request) => startMigrate(doors, { ...request, bundle }),
        planOf: async (ledger, operation) => (await ledger.getDocument({ operation, name: 'plan' })) as MigrationPlan | null,
        planLines: (plan) => planLines(plan, bundle.database, { paint: cli.paint, columns: cli.io.columns() }),
      })
    })
}
