/** `capstan lab reset`. */
import { example, jsonOption } from '../options'
import { type AddCommand, ask, type LabOptions, labOption } from './lab'

export const addLabReset: AddCommand = (lab, cli) => {
  lab
    .command('reset')
    .description('Empty the lab: its instances, snapshots, security groups, faults and record of calls.')
    .addOption(labOption())
    .addOption(jsonOption())
    .addHelpText('after', example('capstan lab reset'))
    .action(async (options: LabOptions) => {
      const answer = await ask<object>(cli, options, { method: 'POST', path: 'reset' })
      if (options.json) cli.json(answer)
      else cli.lines(['The lab is empty.'])
    })
}
