/** `capstan standby old`: whether the instance of an old writer may be removed, and how a person does that. Asks, and changes nothing. */
import type { Command } from 'commander'
import { failure } from '../../contracts/failures'
import { fleetFileOf } from '../config'
import { EXIT } from '../exit-codes'
import { lookAtOldWriter } from '../old-writer'
import type { CliContext } from './context'
import { example, fleetOption, jsonOption } from './options'
import { oldWriterLines } from './render/old-writer'

interface Options {
  readonly applicationsMoved?: boolean
  readonly writerBackedUp?: boolean
  readonly rowsGivenUp?: boolean
  readonly nothingElseInIt?: boolean
  readonly fleet?: string
  readonly json?: boolean
}

export function addStandbyOld(group: Command, cli: CliContext): void {
  group
    .command('old')
    .summary('whether the instance of an old writer may be removed, and how')
    .description(
      'Looks at the instance from which a switchover or a failover moved writing away for good: whether it is that very one and still closed, bears its mark and holds no other database, no pair ' +
        'and no operation has it, nothing is in it alone, the new writer serves and has a backup of later, and neither the endpoint nor the fleet file leads to it. It tells everything that speaks against ' +
        'removing it; only where nothing does it shows the commands of its cloud, with a last backup where that keeps one. It removes nothing. Exit 1 when anything speaks against it.',
    )
    .argument('<database>', 'the old writer, by its name in the fleet file')
    .option('--applications-moved', 'where no endpoint can be asked: I have looked, and no application is led to it')
    .option('--writer-backed-up', 'where its cloud does not tell: I know of a backup of the new writer of after the move')
    .option('--rows-given-up', 'of what the old one has alone, or may have: nobody needs it')
    .option('--nothing-else-in-it', 'where its cloud keeps it stopped: nobody needs any other database of the instance')
    .addOption(fleetOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan standby old shop', 'capstan standby old shop --applications-moved'))
    .action(async (database: string, options: Options) => {
      const { settings, vigilance } = cli
      const { applicationsMoved = false, writerBackedUp = false, rowsGivenUp = false, nothingElseInIt = false } = options
      const leave = new AbortController()
      const interrupted = failure('OPERATION_ABORTED', 'Interrupted; nothing was changed. Run it again to look again.')
      const stopListening = cli.io.onInterrupt(() => leave.abort(interrupted))
      try {
        const asked = {
          ...{ database, fleetFile: fleetFileOf(settings, options.fleet), signal: leave.signal, vigilance },
          said: { applicationsMoved, writerBackedUp, rowsGivenUp, nothingElseInIt },
          heartbeatTimeoutMs: settings.heartbeatTimeoutMs,
        }
        const look = await cli.withDoors((doors) => lookAtOldWriter(doors, asked))
        if (look.against.length > 0 || look.standing === 'another') cli.exit = EXIT.finding
        if (options.json) cli.json({ version: 1, ...look })
        else cli.lines(oldWriterLines(look, cli.paint))
      } finally {
        stopListening()
      }
    })
}
