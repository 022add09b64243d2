/** `capstan upgrade`. */
import type { FailureCode } from '../../../contracts/failures'
import type { BadInput } from '../support/bad-input'
import { FLEET } from '../support/world'

function asked(title: string, names: string, args: readonly string[], code: FailureCode = 'OPTION_INVALID'): BadInput {
  const given: BadInput['given'] = (world) => ({ args: ['upgrade', ...args], env: { CAPSTAN_FLEET: world.fleet(() => FLEET) } })
  return { title, exit: 2, code, names, given }
}

export const UPGRADES: readonly BadInput[] = [
  asked('an upgrade of nothing', 'source', []),
  asked('an upgrade of a mistyped database', 'did you mean shop?', ['shpo', '--to-version', '17'], 'DATABASE_UNKNOWN'),
  asked('an upgrade to nothing', '--to-version', ['shop']),
  asked('a version that is none', '--to-version', ['shop', '--to-version', 'newest']),
  asked('a parameter group without a name', '--parameter-group', ['shop', '--parameter-group', '']),
  asked('a time to switch over in that RDS does not take', '--switch-within', [
    ...['shop', '--to-version', '17', '--switch-within', '10s'],
  ]),
  asked('a time to watch that is none', '--observe', ['shop', '--to-version', '17', '--observe', 'a while']),
]
