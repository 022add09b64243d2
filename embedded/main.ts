/** The embedded default's command: what `npm start` runs. Without a subcommand it starts everything and tells the story of the
 *  example shop; `up`, `down`, `status` and `reset` are for whoever wants the parts. */
import { parseArgs } from 'node:util'
import { failure } from '../contracts/failures'
import { start } from './commands/start'
import { down, reset, status, sweepLeftovers } from './commands/state'
import { tellFailure } from './commands/tell'
import { prepareTemporal } from './commands/temporal'
import { up } from './commands/up'
import { readConfig } from './config'
import { QUIET_SDK } from './worker-program'

const HELP = `Usage: npm start [-- options]          or: node dist/embedded/main.js [command] [options]

  start            everything, and the story of the example shop (what npm start does); a shop that an
                   earlier start left makes way for a new one
      --once       end with the verdict: 0 when everything held, 1 when not
      --again      empty the whole lab first: also what you made in it, its network rules and faults
      --timings    a table of the time each phase took
  up               everything without the story, until Ctrl-C; --detach returns when it is ready
  down             stop what "up --detach" or a crashed start left running
  status           what runs where
  reset            stop everything and remove all state of this clone
      --json       for "up --detach", down, status and reset: one document on standard output, what runs
                   afterwards or why it failed; lines go to standard error

State is kept per clone, or in the folder that CAPSTAN_STATE_DIR names, which has to be empty or not there
when it is first used; commands find it by the same variable.

Example: npm start -- --once --timings
`

const OPTIONS = {
  once: { type: 'boolean', default: false },
  again: { type: 'boolean', default: false },
  timings: { type: 'boolean', default: false },
  detach: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  quiet: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parse(argv)
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const config = readConfig()
  const command = positionals[0] ?? 'start'
  switch (command) {
    case 'start':
      if (values.json) throw failure('OPTION_INVALID', 'A story has no document: start is without --json.', { option: 'json' })
      return await start(config, { once: values.once, again: values.again, timings: values.timings })
    case 'up':
      return await up(config, { detach: values.detach, json: values.json })
    case 'down':
      return await down(config, { json: values.json })
    case 'status':
      return status(config, { json: values.json })
    case 'reset':
      return await reset(config, { json: values.json })
    case 'sweep':
      return await sweepLeftovers(config)
    case 'temporal':
      return await prepareTemporal(config, { quiet: values.quiet })
    default:
      throw failure('OPTION_INVALID', `There is no command "${command}"; there are: start, up, down, status, reset.`)
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true, strict: true })
  } catch (error) {
    const said = error instanceof Error ? error.message.split('. ')[0] : String(error)
    throw failure('OPTION_INVALID', `${said}. See: npm start -- --help`)
  }
}

Object.assign(process.env, QUIET_SDK)
const words = process.argv.slice(2)
main(words).then(
  (code) => process.exit(code),
  // Known before the words are understood: they may be what is wrong.
  (error: unknown) => process.exit(tellFailure(error, { json: words.includes('--json') })),
)
