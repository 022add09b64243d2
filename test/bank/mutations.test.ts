/** A guard that was written anew is noticed with every change, and not in the night that wants to take it out. */
import { textWithout } from '../crash/support/mutant'
import { WITHOUT_BARRIER, WITHOUT_FENCE_STEP, WITHOUT_LIMIT } from './mutations'

test.each(Object.entries({ WITHOUT_BARRIER, WITHOUT_FENCE_STEP, WITHOUT_LIMIT }))(
  '%s finds what it takes out',
  (_, mutations) => {
    for (const mutation of mutations) expect(textWithout(mutation)).toContain(mutation.put)
  },
)
