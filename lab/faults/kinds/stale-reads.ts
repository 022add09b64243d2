/** Questions are answered from the past: from what there was some time ago, or some questions ago, but never from before the fault was
 *  ordered. What it remembers lives as long as this lab process; the next one begins to remember anew. */
import { count, time } from '../kind'
import { type ActingKind, CALLS, type Wording } from './acting'

const LAG_MS = 5_000

export function staleReads<State>({ questions }: Wording): ActingKind<State> {
  return {
    ...CALLS,
    summary: 'descriptions show what there was --lag ago (5s unless told otherwise), or --reads descriptions ago',
    operations: questions,
    times: null,
    takesDelay: false,
    settings: { lag: { ...time(), excludes: 'reads' }, reads: count() },
    sees: (fault, { state, past }) => {
      const { lag, reads } = fault.settings
      return reads === undefined ? past.before(fault, Number(lag ?? LAG_MS), state) : past.asked(fault, Number(reads), state)
    },
  }
}
