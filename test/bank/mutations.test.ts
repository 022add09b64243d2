/** A guard that was written anew is noticed with every change, and not in the night that wants to take it out. */
import { textWithout } from '../crash/support/mutant'
import { WITHOUT_BARRIER, WITHOUT_FENCE_STEP, WITHOUT_LIMIT, WITHOUT_PROOF } from './mutations'

test.each(Object.entries({ WITHOUT_BARRIER, WITHOUT_FENCE_STEP, WITHOUT_LIMIT, WITHOUT_PROOF }))(
  '%s finds what it takes out',
  (_, mutations) => {
    for (const mutation of mutations) expect(textWithout(mutation)).toContain(mutation.put)
  },
)
