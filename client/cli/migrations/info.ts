/** `capstan migrations info`: how files and database stand to each other. */
import type { Command } from 'commander'
import { info, type MigrationInfo } from '../../../postgres/migrate/info'
import { databaseOf } from '../../config'
import type { CliContext } from '../context'
import { example, jsonOption } from '../options'
import { table } from '../render/table'
import { type EngineOptions, readMigrations, urlOption, withSession } from './open'

export function addMigrationsInfo(migrations: Command, cli: CliContext): void {
  migrations
    .command('info')
    .description('The state of each migration. Changes nothing.')
    .addOption(urlOption())
    .requiredOption('--dir <folder>', 'the migrations')
    .addOption(jsonOption())
    .addHelpText('after', example('capstan migrations info --url postgres://migrator@localhost/shop --dir migrations'))
    .action(async (options: EngineOptions) => {
      const database = databaseOf(cli.settings, options.url)
      const resolved = await readMigrations(options.dir)
      const result = await withSession(database, (session) => info(session, resolved))
      if (options.json) return cli.json({ version: 1, ...result })
      cli.lines([`at version ${result.current ?? 'none'}`])
      cli.lines(table(['VERSION', 'DESCRIPTION', 'STATE', 'INSTALLED', 'SCRIPT'], result.migrations.map(row), cli.paint))
    })
}

function row({ version, description, state, installedOn, script }: MigrationInfo): string[] {
  return [version ?? '(repeatable)', description, state, installedOn ?? '', script]
}
