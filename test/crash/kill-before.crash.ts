import { crashing } from './support/crashing'
import { callsOf } from './support/golden'
import { operationFor } from './support/names'
import { SCENARIOS } from './support/scenarios'

const it = crashing()

describe.each(SCENARIOS)('$name: the worker dies before', (scenario) => {
  test.each(callsOf(scenario, 'remote'))('%s', async (call) => {
    expect(await it.killed(scenario, operationFor(scenario, call, 'b'), `${call}:before`)).toEqual([])
  })
})
