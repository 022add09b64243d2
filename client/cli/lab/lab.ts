/** `capstan lab status|fault|reset`: the simulated clouds of the embedded default. */
import type { Command } from 'commander'
import { labOf } from '../../config'
import { askLab } from '../../lab'
import type { CliContext } from '../context'
import { example, jsonOption, positiveInteger } from '../options'
import { table } from '../render/table'

interface LabOptions {
  readonly lab?: string
  readonly json?: boolean
}

interface LabStatus {
  readonly instances?: readonly {
    cloud: string
    id: string
    state: string
    engineVersion: string
    address: string
    port: number
  }[]
  readonly faults?: readonly LabFault[]
}

interface LabFault {
  readonly cloud: string
  readonly action: string
  readonly kind: string
  readonly times: number
}

const LAB = ['--lab <url>', 'the lab’s API (default: the embedded default’s)'] as const

export function addLabStatus(lab: Command, cli: CliContext): void {
  lab
    .command('status')
    .description('What runs in the lab.')
    .option(...LAB)
    .addOption(jsonOption())
    .addHelpText('after', example('capstan lab status --json'))
    .action(async (options: LabOptions) => {
      const status = (await askLab(labOf(cli.settings, options.lab), { method: 'GET', path: 'status' })) as LabStatus
      if (options.json) return cli.json(status)
      const instances = status.instances ?? []
      if (instances.length === 0) cli.lines(['No instances.'])
      else {
        const rows = instances.map((one) => [one.cloud, one.id, one.state, one.engineVersion, `${one.address}:${one.port}`])
        cli.lines(table(['CLOUD', 'INSTANCE', 'STATE', 'POSTGRESQL', 'ADDRESS'], rows, cli.paint))
      }
      if ((status.faults ?? []).length > 0) cli.lines(faultLines(status.faults ?? []))
    })
}

export function addLabFault(lab: Command, cli: CliContext): void {
  lab
    .command('fault')
    .description('Order a fault: the next calls of an action go wrong. With --clear, order them all off.')
    .option(...LAB)
    .option('--cloud <cloud>', 'which cloud', 'aws')
    .option('--action <name>', 'as the cloud’s API names it, such as CreateDBSnapshot')
    .option('--kind <kind>', 'drop-response: act, then close the connection without an answer', 'drop-response')
    .option('--times <count>', 'how many calls it strikes', positiveInteger, 1)
    .option('--clear', 'remove every fault that was ordered')
    .addOption(jsonOption())
    .addHelpText('after', example('capstan lab fault --action CreateDBSnapshot --kind drop-response --times 1'))
    .action(async (options: LabOptions & { cloud: string; action?: string; kind: string; times: number; clear?: boolean }) => {
      const { cloud, action, kind, times } = options
      if (action === undefined && !options.clear) lab.error("required option '--action <name>' not specified, or --clear")
      const door = labOf(cli.settings, options.lab)
      const answer = options.clear
        ? await askLab(door, { method: 'DELETE', path: 'faults' })
        : await askLab(door, { method: 'POST', path: 'faults', body: { cloud, action, kind, times } })
      if (options.json) cli.json(answer)
      else cli.lines(faultLines((answer as { faults?: LabFault[] }).faults ?? []))
    })
}

export function addLabReset(lab: Command, cli: CliContext): void {
  lab
    .command('reset')
    .description('Empty the lab: its instances, snapshots, security groups and faults.')
    .option(...LAB)
    .addOption(jsonOption())
    .addHelpText('after', example('capstan lab reset'))
    .action(async (options: LabOptions) => {
      const answer = await askLab(labOf(cli.settings, options.lab), { method: 'POST', path: 'reset' })
      if (options.json) cli.json(answer)
      else cli.lines(['The lab is empty.'])
    })
}

function faultLines(faults: readonly LabFault[]): string[] {
  if (faults.length === 0) return ['No faults are ordered.']
  return faults.map(({ cloud, action, kind, times }) => `fault: ${cloud} ${action} ${kind}, ${times} more`)
}
