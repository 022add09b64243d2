/** Questions are answered from the past: from what there was some time ago, or some questions ago, but never from before the fault was
 *  ordered. What it remembers lives as long as this lab process; the next one begins to remember anew. */
import { count, time } from '../../faults/kind'
import { type AwsFaultKind, CALLS } from './kind'

const LAG_MS = 5_000

export const staleReads: AwsFaultKind = {
  ...CALLS,
  summary: 'descriptions show what there was --lag ago (5s unless told otherwise), or --reads descriptions ago',
  operations: [
    'DescribeDBInstances',
    'DescribeDBParameterGroups',
    'DescribeDBParameters',
    'DescribeDBSnapshots',
    'ListTagsForResource',
  ],
  times: null,
  takesDelay: false,
  settings: { lag: { ...time(), excludes: 'reads' }, reads: count() },
  sees: (fault, { state, past }) => {
    const { lag, reads } = fault.settings
    return reads === undefined ? past.before(fault, Number(lag ?? LAG_MS), state) : past.asked(fault, Number(reads), state)
  },
}
