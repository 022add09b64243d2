/** `capstan snapshot`. */
import type { FailureCode } from '../../../contracts/failures'
import type { BadInput } from '../support/bad-input'

function asked(title: string, names: string, args: readonly string[], code: FailureCode = 'OPTION_INVALID'): BadInput {
  return {
    title,
    exit: 2,
    code,
    names,
    given: (world) => ({ args: ['snapshot', ...args], env: { CAPSTAN_FLEET: world.fleet() } }),
  }
}

export const SNAPSHOTS: readonly BadInput[] = [
  asked('no database', 'database', ['take']),
  asked('a mistyped database', 'did you mean shop?', ['shpo'], 'DATABASE_UNKNOWN'),
  asked('the list of a mistyped database', 'did you mean shop?', ['list', 'shpo'], 'DATABASE_UNKNOWN'),
  asked('a retention without its unit', '--retention', ['shop', '--retention', '7']),
  asked('a retention of minutes', '--retention', ['shop', '--retention', '90m']),
  asked('a retention of none', '--retention', ['shop', '--retention', '0h']),
  asked('a retention below zero', '--retention', ['shop', '--retention', '-7d']),
  asked('generations without days', '--retention', ['shop', '--retention', 'weekly=4']),
  asked('a generation that there is none of', '--retention', ['shop', '--retention', 'daily=7,hourly=4']),
  asked('a generation of no number', '--retention', ['shop', '--retention', 'daily=seven']),
  asked('a retention of a century', '--retention', ['shop', '--retention', '36500d']),
  asked('a generation twice', '--retention', ['shop', '--retention', 'daily=7,daily=8']),
  asked('too many years', '--retention', ['shop', '--retention', 'daily=7,yearly=11']),
  asked('a mistyped option', '--retention', ['shop', '--retension', '7d']),
  asked('an id of one’s own that is none', 'Nightly', ['shop', '--operation', 'Nightly']),
  asked('two databases', 'take', ['shop', 'orders']),
]
