/** `capstan standby compare`: whether a standby holds the rows of its source, asked of whoever watches it. Reads, and changes nothing. */
import type { Command } from 'commander'
import { compareStandby } from '../compare-standby'
import { EXIT } from '../exit-codes'
import type { CliContext } from './context'
import { example, jsonOption, someText } from './options'
import { comparisonToldLines } from './render/standbys'

export function addStandbyCompare(group: Command, cli: CliContext): void {
  group
    .command('compare')
    .summary('whether it holds the rows of its source')
    .description(
      'Compares the rows of every published table while applications write, a slice of some minutes at a time, as the fleet file’s "compare" has it done by the clock. ' +
        'Only while it is following; for "within" of the fleet file, six hours where that has none: what is left then is inconclusive. ' +
        'Who watches the standby does it, and goes on when this is left by Ctrl-C: "capstan standby list" tells. Exit 0 when all are equal, 1 when any differs or could not be compared.',
    )
    .argument('<source>', 'name of the database in the fleet file that is followed')
    .option('--to <standby>', 'name of the standby in the fleet file; may be left out where there is one', someText)
    .addOption(jsonOption())
    .addHelpText('after', example('capstan standby compare shop', 'capstan standby compare shop --to shop-azure --json'))
    .action(async (source: string, { to, json }: { to?: string; json?: boolean }) => {
      const leave = new AbortController()
      const stopListening = cli.io.onInterrupt(() => leave.abort())
      try {
        const told = await cli.withLedger((ledger) =>
          compareStandby(ledger, {
            ...{ source, standby: to ?? null, signal: leave.signal },
            onChange: ({ running }) => {
              if (json !== true && running !== null && running.tables > 0)
                cli.io.err(`${running.tablesDone} of ${running.tables} tables\n`)
            },
          }),
        )
        cli.exit = told === null ? EXIT.detached : told.verdict === 'equal' ? EXIT.success : EXIT.finding
        if (told === null) return
        if (json === true) cli.json({ version: 1, source, ...told })
        else cli.lines(comparisonToldLines(told))
      } finally {
        stopListening()
      }
    })
}
