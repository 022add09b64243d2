/** Runs one command line and answers its exit code. Whatever is thrown becomes one sentence or one JSON document. */
import { CommanderError } from 'commander'
import { readTerminalSettings } from '../config'
import { EXIT } from '../exit-codes'
import { VIGILANCE } from '../health-watch'
import { CliContext } from './context'
import type { Io } from './io'
import { createProgram } from './program'
import { reportFailure } from './report'

export async function runCli(args: readonly string[], io: Io, env: NodeJS.ProcessEnv, vigilance = VIGILANCE): Promise<number> {
  const cli = new CliContext(io, env, vigilance)
  try {
    await createProgram(cli).parseAsync([...args], { from: 'user' })
    return cli.exit
  } catch (error) {
    // `--help` was asked for; `commander.help` is a command group without a command, which has shown its help.
    if (error instanceof CommanderError && error.code === 'commander.helpDisplayed') return EXIT.success
    if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.badInput
    const json = args.includes('--json') || args.includes('--events')
    return reportFailure(io, error, { json, debug: readTerminalSettings(env).debug })
  }
}
