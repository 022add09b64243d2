import { crashing } from './support/crashing'
import { callsOf } from './support/golden'
import { operationFor } from './support/names'
import { SCENARIOS } from './support/scenarios'

const it = crashing()

// Local activities are part of a workflow task: their result is heard with it, so there is no third boundary.
describe.each(SCENARIOS)('$name: the worker dies in a workflow task', (scenario) => {
  describe.each(callsOf(scenario, 'local'))('%s', (call) => {
    test.each(['before', 'after'])('%s', async (boundary) => {
      const operation = operationFor(scenario, call, boundary === 'before' ? 'lb' : 'la')
      expect(await it.killed(scenario, operation, `${call}:${boundary}`)).toEqual([])
    })
  })
})
