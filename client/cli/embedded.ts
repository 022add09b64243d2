/** `capstan up|down|status|reset`: the embedded default, which is a program of its own. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { failure } from '../../contracts/failures'
import { DIST } from '../config'
import { EXIT } from '../exit-codes'
import type { CliContext } from './context'
import { example } from './options'

const COMMANDS = {
  up: 'Start the embedded default: Temporal, ledger, lab and worker. With --detach in the background.',
  down: 'Stop the embedded default. Its state is kept.',
  status: 'What of the embedded default runs, and where; --json prints one document.',
  reset: 'Stop the embedded default and remove all its state.',
} as const

export function addEmbedded(program: Command, cli: CliContext): void {
  for (const [name, description] of Object.entries(COMMANDS)) {
    program
      .command(name)
      .description(description)
      .allowUnknownOption()
      .argument('[options...]', 'passed on')
      .addHelpText('after', example(`capstan ${name}`))
      .action(async (passedOn: string[]) => {
        cli.exit = await runEmbedded(cli, [name, ...passedOn])
      })
  }
}

/** Its output is ours, so is its exit code. Ctrl-C reaches it through the terminal; here it only must not end us first. */
async function runEmbedded(cli: CliContext, args: readonly string[]): Promise<number> {
  const program = path.join(DIST, 'embedded', 'main.js')
  if (!existsSync(program)) {
    throw failure('EMBEDDED_START_FAILED', `${program} is not there; compile it with "npm run build".`, { program })
  }
  const child = spawn(process.execPath, [program, ...args], { stdio: 'inherit' })
  const stopListening = cli.io.onInterrupt(() => undefined)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', (code, signal) => resolve(code ?? (signal === null ? EXIT.defect : EXIT.detached)))
    })
  } finally {
    stopListening()
  }
}
