/** `capstan lab status`. */
import { bytes } from '../../quantities'
import { example, jsonOption } from '../options'
import { table } from '../render/table'
import { faultLines, type LabFault } from './fault-lines'
import { type AddCommand, ask, type LabOptions, labOption } from './lab'

interface LabStatus {
  readonly instances?: readonly {
    cloud: string
    id: string
    state: string
    engineVersion: string
    address: string
    port: number
    /** A lab of an earlier version does not say. */
    memoryBytes?: number | null
  }[]
  readonly faults?: readonly LabFault[]
}

export const addLabStatus: AddCommand = (lab, cli) => {
  lab
    .command('status')
    .description('What runs in the lab.')
    .addOption(labOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan lab status --json'))
    .action(async (options: LabOptions) => {
      const status = await ask<LabStatus>(cli, options, { method: 'GET', path: 'status' })
      if (options.json) return cli.json(status)
      const instances = status.instances ?? []
      if (instances.length === 0) cli.lines(['No instances.'])
      else {
        const rows = instances.map((one) => [
          one.cloud,
          one.id,
          one.state,
          one.engineVersion,
          `${one.address}:${one.port}`,
          typeof one.memoryBytes === 'number' ? bytes(one.memoryBytes) : '–',
        ])
        cli.lines(table(['CLOUD', 'INSTANCE', 'STATE', 'POSTGRESQL', 'ADDRESS', 'MEMORY'], rows, cli.paint))
      }
      if ((status.faults ?? []).length > 0) cli.lines(faultLines(status.faults ?? [], cli.paint))
    })
}
