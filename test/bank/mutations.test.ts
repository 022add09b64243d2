/** A guard that was written anew is noticed with every change, and not in the night that wants to take it out. */
import { textWithout } from '../crash/support/mutant'
import * as mutations from './mutations'

const { foundWithout: _, ...ALL } = mutations

test.each(Object.entries(ALL))('%s finds what it takes out', (_name, guard) => {
  for (const mutation of guard) expect(textWithout(mutation)).toContain(mutation.put)
})
