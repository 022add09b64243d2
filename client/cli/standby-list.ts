/** `capstan standby list`: which standbys there are, and how each does, as the watch saw it last. */
import { type Command, Option } from 'commander'
import type { StandbyRecord } from '../../contracts/standby'
import { standbyMetrics } from '../standby-metrics'
import type { CliContext } from './context'
import { example, jsonOption } from './options'
import { standbyListLines } from './render/standbys'

/** What the list needs of the ledger. */
export interface StandbyLedger {
  listStandbys(): Promise<readonly StandbyRecord[]>
}

export type WithStandbys = <T>(work: (ledger: StandbyLedger) => Promise<T>) => Promise<T>

export function addStandbyList(group: Command, cli: CliContext, withStandbys: WithStandbys): void {
  group
    .command('list')
    .summary('which there are, how late each is, and what its slot holds back')
    .description(
      'Every standby with its state: how late it is by a row that beats in its source, how many bytes of log it has not confirmed, and what its slot holds back against the ' +
        'fleet file’s maxRetained; below them what somebody has to hear of, and what else the newest look found. As the watch saw it last, which looks every few seconds. Contacts nothing but the ledger.',
    )
    .addOption(jsonOption())
    .addOption(new Option('--prometheus', 'as metrics, in the text format of Prometheus').conflicts('json'))
    .addHelpText('after', example('capstan standby list', 'capstan standby list --json', 'capstan standby list --prometheus'))
    .action(async (options: { json?: boolean; prometheus?: boolean }) => {
      const standbys = await withStandbys((ledger) => ledger.listStandbys())
      if (options.json) cli.json({ version: 1, standbys })
      else if (options.prometheus) cli.lines(standbyMetrics(standbys, Date.now()))
      else cli.lines(standbyListLines(standbys, { paint: cli.paint, now: Date.now() }))
    })
}
