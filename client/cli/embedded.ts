/** `capstan up|down|status|reset`: the embedded default, which is a program of its own. With --json its lines go to standard error, and
 *  what runs afterwards is the one document on standard output. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { failure } from '../../contracts/failures'
import { DIST } from '../config'
import { EXIT } from '../exit-codes'
import type { CliContext } from './context'
import { example, jsonOption } from './options'

interface EmbeddedOptions {
  readonly detach?: boolean
  readonly json?: boolean
}

export function addEmbedded(program: Command, cli: CliContext): void {
  program
    .command('up')
    .summary('start the embedded default: Temporal, ledger, lab and worker')
    .description('Start the embedded default: Temporal, ledger, lab and worker. It runs until Ctrl-C.')
    .option('--detach', 'in the background; returns when it is ready')
    .addOption(jsonOption())
    .addHelpText('after', example('capstan up', 'capstan up --detach --json'))
    .action(async ({ detach, json }: EmbeddedOptions) => {
      if (json && !detach) {
        const message =
          '"up --json" needs --detach: in the foreground it runs until Ctrl-C, and "capstan status --json" has the document.'
        throw failure('OPTION_INVALID', message, { option: 'json' })
      }
      cli.exit = await inherit(cli, ['up', ...(detach ? ['--detach'] : []), ...(json ? ['--json'] : [])])
    })
  addPlain(program, cli, 'down', 'Stop the embedded default. Its state is kept.')
  addPlain(program, cli, 'status', 'What of the embedded default runs, and where.')
  addPlain(program, cli, 'reset', 'Stop the embedded default and remove all its state: the ledger, the lab and what is in them.')
}

function addPlain(program: Command, cli: CliContext, name: 'down' | 'status' | 'reset', description: string): void {
  program
    .command(name)
    .description(description)
    .addOption(jsonOption())
    .addHelpText('after', example(`capstan ${name}${name === 'status' ? ' --json' : ''}`))
    .action(async ({ json }: EmbeddedOptions) => {
      cli.exit = await inherit(cli, [name, ...(json ? ['--json'] : [])])
    })
}

/** Its output is ours, so are its documents and its exit code. Ctrl-C reaches it through the terminal; here it only must not end us first. */
async function inherit(cli: CliContext, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [program(), ...args], { stdio: 'inherit' })
  return await ended(cli, child)
}

function program(): string {
  const file = path.join(DIST, 'embedded', 'main.js')
  if (existsSync(file)) return file
  throw failure('EMBEDDED_START_FAILED', `${file} is not there; compile it with "npm run build".`, { program: file })
}

async function ended(cli: CliContext, child: ReturnType<typeof spawn>): Promise<number> {
  const stopListening = cli.io.onInterrupt(() => undefined)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => resolve(code ?? (signal === null ? EXIT.defect : EXIT.detached)))
    })
  } finally {
    stopListening()
  }
}
