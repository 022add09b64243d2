/** `capstan lab calls`: what was asked of the lab's clouds of late. */
import { example, jsonOption } from '../options'
import { table } from '../render/table'
import { type AddCommand, ask, type LabOptions, labOption } from './lab'

interface Calls {
  readonly calls: readonly {
    readonly seq: number
    readonly at: string
    readonly operation: string
    readonly resources: readonly { readonly id: string }[]
    readonly outcome: string
    readonly answered: boolean
    readonly effect: boolean
    readonly faults: readonly { readonly id: string; readonly kind: string }[]
  }[]
}

export const addLabCalls: AddCommand = (lab, cli) => {
  lab
    .command('calls')
    .description('The calls that the simulated clouds were asked of late, how each ended, and which faults struck it.')
    .option('--since <mark>', 'those after this number, or from this time on')
    .addOption(labOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan lab calls', 'capstan lab calls --since 120 --json'))
    .action(async (options: LabOptions & { since?: string }) => {
      const query = options.since === undefined ? '' : `?since=${encodeURIComponent(options.since)}`
      const answer = await ask<Calls>(cli, options, { method: 'GET', path: `calls${query}` })
      if (options.json) return cli.json(answer)
      if (answer.calls.length === 0) return cli.lines(['No calls.'])
      const rows = answer.calls.map((call) => [
        String(call.seq),
        call.at,
        call.operation,
        call.resources.map(({ id }) => id).join(' '),
        call.answered ? call.outcome : `${call.outcome}, answer lost`,
        call.effect ? 'yes' : '',
        call.faults.map(({ id, kind }) => `${id} ${kind}`).join(', '),
      ])
      cli.lines(table(['CALL', 'AT', 'OPERATION', 'NAMES', 'OUTCOME', 'EFFECT', 'FAULTS'], rows, cli.paint))
    })
}
