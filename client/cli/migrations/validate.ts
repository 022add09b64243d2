/** `capstan migrations validate`: does the database's history still describe these files, and can the files be read? */
import type { Command } from 'commander'
import { validate } from '../../../postgres/migrate/info'
import { planMigration } from '../../../postgres/migrate/plan'
import { databaseOf } from '../../config'
import { EXIT } from '../../exit-codes'
import { counted } from '../../quantities'
import type { CliContext } from '../context'
import { example, jsonOption } from '../options'
import { oneLine } from '../render/quoted'
import { type EngineOptions, readMigrations, urlOption, withSession } from './open'

export function addMigrationsValidate(migrations: Command, cli: CliContext): void {
  migrations
    .command('validate')
    .description(
      'Check the files, and the database’s history against them. Every file has to parse, those applied long ago too. Changes ' +
        'nothing; exit 1 when they differ.',
    )
    .addOption(urlOption())
    .requiredOption('--dir <folder>', 'the migrations')
    .addOption(jsonOption())
    .addHelpText('after', example('capstan migrations validate --url postgres://migrator@localhost/shop --dir migrations'))
    .action(async (options: EngineOptions) => {
      const database = databaseOf(cli.settings, options.url)
      const resolved = await readMigrations(options.dir)
      for (const migration of resolved) await planMigration(migration)
      const { valid, findings } = await withSession(database, (session) => validate(session, resolved))
      cli.exit = valid ? EXIT.success : EXIT.finding
      if (options.json) return cli.json({ version: 1, valid, findings })
      if (valid)
        return cli.lines([`${cli.paint('green', '✔')} ${counted(resolved.length, 'migration')}: files and history agree.`])
      cli.lines(findings.map(({ message }) => `${cli.paint('red', '✘')} ${oneLine(message)}`))
    })
}
