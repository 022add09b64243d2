/** `capstan lab profile`: how long the states of simulated resources last. */
import { example, jsonOption } from '../options'
import { table } from '../render/table'
import { type AddCommand, ask, type LabOptions, labOption } from './lab'

interface Chosen {
  readonly profile: string
  readonly profiles: Readonly<Record<string, Readonly<Record<string, number>>>>
}

export const addLabProfile: AddCommand = (lab, cli) => {
  lab
    .command('profile')
    .description('Show how long the lab’s states last, or choose another profile for as long as this lab runs.')
    .argument('[profile]', 'instant, fast or realistic')
    .addOption(labOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example('capstan lab profile', 'capstan lab profile realistic', 'CAPSTAN_LAB_PROFILE=realistic npm start'),
    )
    .action(async (profile: string | undefined, options: LabOptions) => {
      const path = 'profile'
      const answer = await ask<Chosen>(
        cli,
        options,
        profile === undefined ? { method: 'GET', path } : { method: 'PUT', path, body: { profile } },
      )
      if (options.json) return cli.json(answer)
      const names = Object.keys(answer.profiles)
      const states = Object.keys(answer.profiles[answer.profile] ?? {})
      const rows = states.map((state) => [
        inWords(state),
        ...names.map((name) => time(state, answer.profiles[name]?.[state] ?? 0)),
      ])
      const headings = ['AT LEAST', ...names.map((name) => (name === answer.profile ? `${name} *` : name))]
      cli.lines(table(headings, rows, cli.paint))
    })
}

/** firstBackupMs → first backup */
function inWords(state: string): string {
  return state.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function time(state: string, value: number): string {
  if (!state.endsWith('Ms')) return `±${Math.round(value * 100)} %`
  if (value >= 60_000 && value % 60_000 === 0) return `${value / 60_000} min`
  return value >= 1_000 ? `${value / 1_000} s` : `${value} ms`
}
