/** `capstan migrations apply`: runs what is pending against the database of a URL. No canary, no approval: that is `migrate`. */
import type { Command } from 'commander'
import { failure } from '../../../contracts/failures'
import { applyMigrations } from '../../../postgres/migrate/apply'
import type { ApplyEvent } from '../../../postgres/migrate/events'
import { readHistory } from '../../../postgres/migrate/history'
import type { ResolvedMigration } from '../../../postgres/migrate/resolve'
import { type DatabaseDoor, databaseOf } from '../../config'
import { counted, duration } from '../../quantities'
import type { CliContext } from '../context'
import { example, jsonOption } from '../options'
import { oneLine } from '../render/quoted'
import { connector, type EngineOptions, readMigrations, urlOption, withSession } from './open'
import { upToVersion } from './target'

interface ApplyOptions extends EngineOptions {
  readonly target?: string
}

export function addMigrationsApply(migrations: Command, cli: CliContext): void {
  migrations
    .command('apply')
    .description(
      'Apply what is pending, in order. Safe to repeat after any interruption. Of a database that standbys follow it applies to the source alone: ' +
        'each standby stops at its line until "capstan standby resume SOURCE --to STANDBY" carries the files over.',
    )
    .addOption(urlOption())
    .requiredOption('--dir <folder>', 'the migrations')
    .option('--target <version>', 'stop at this version; repeatable migrations are left for later')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example('capstan migrations apply --url postgres://migrator@localhost/shop --dir migrations --target 3'),
    )
    .action(async (options: ApplyOptions) => {
      const database = databaseOf(cli.settings, options.url)
      const resolved = await chosenMigrations(database, options)
      const leave = new AbortController()
      const interrupted = failure('OPERATION_ABORTED', 'Interrupted; what was not committed is undone. Run it again to go on.')
      const stopListening = cli.io.onInterrupt(() => leave.abort(interrupted))
      try {
        const result = await applyMigrations({
          connect: connector(database),
          resolved,
          signal: leave.signal,
          onEvent: (event) => {
            if (!options.json) cli.lines(eventLines(cli, event))
          },
        })
        if (options.json) cli.json({ version: 1, applied: result.applied, current: result.version })
        else cli.lines([`${counted(result.applied.length, 'migration')} applied, at version ${result.version ?? 'none'}.`])
      } finally {
        stopListening()
      }
    })
}

async function chosenMigrations(database: DatabaseDoor, { dir, target }: ApplyOptions): Promise<ResolvedMigration[]> {
  const resolved = await readMigrations(dir)
  if (target === undefined) return resolved
  const { rows } = await withSession(database, (session) => readHistory(session))
  return upToVersion(resolved, rows, target)
}

function eventLines({ paint }: CliContext, event: ApplyEvent): string[] {
  switch (event.type) {
    case 'migration-started':
      return [`${paint('cyan', '▶')} ${oneLine(event.script)}  ${counted(event.statements, 'statement')}`]
    case 'migration-applied':
      return [`${paint('green', '✔')} ${oneLine(event.script)}  ${duration(event.executionTimeMs)}`]
    case 'statement-skipped':
      return [`  ${oneLine(event.script)}:${event.line}  ${event.kind}: ran before the interruption`]
    case 'lock-retry': {
      const holder =
        event.blocker === null
          ? ''
          : `, held by ${oneLine(event.blocker.application ?? '') || 'a session'} (pid ${event.blocker.pid})`
      const next = `attempt ${event.attempt + 1} of ${event.attemptsMax} in ${duration(event.delayMs)}`
      return [
        `  ${oneLine(event.script)}${event.line === null ? '' : `:${event.line}`}  a lock could not be had${holder}; ${next}`,
      ]
    }
    case 'index-healed':
      return [`  ${oneLine(event.script)}  ${oneLine(event.index)}: invalid after an interruption, built anew`]
    case 'index-adopted':
      return [`  ${oneLine(event.script)}  ${oneLine(event.index)}: the interrupted build had finished`]
    case 'index-removed':
      return [`  ${oneLine(event.script)}  ${oneLine(event.index)}: the build failed; its invalid index was dropped`]
    case 'statement-started':
    case 'statement-finished':
      return []
  }
}
