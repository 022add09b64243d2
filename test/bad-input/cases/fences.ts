/** `capstan fence`: what lets applications in again is said twice, and of what is fenced. */
import type { BadInput } from '../support/bad-input'

function asked(title: string, names: string, ...args: string[]): BadInput {
  const given: BadInput['given'] = (world) => ({
    args: ['fence', ...args],
    env: { CAPSTAN_LEDGER_URL: world.ledgerUrl, TEMPORAL_ADDRESS: world.temporal },
  })
  return { title, exit: 2, code: 'OPTION_INVALID', names, given }
}

export const FENCES: readonly BadInput[] = [
  asked('a fence that is lifted without a word that nothing took its place', '--to-us', 'lift', 'shop', '--reason', 'over'),
  asked('a fence that is lifted for no reason', '--reason', 'lift', 'shop', '--yes'),
  asked('a fence of what is not fenced', '"shop"', 'lift', 'shop', '--yes', '--reason', 'over'),
  asked('a fence of nothing, for the control plane alone', '"shop"', 'lift', 'shop', '--to-us', '--reason', 'to look'),
]
