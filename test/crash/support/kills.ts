/** The worker killed at one boundary of every activity that the golden runs show. A suite is one boundary, so that suites can run side by side. */
import { crashing } from './crashing'
import { callsOf } from './golden'
import { operationFor } from './names'
import { SCENARIOS } from './scenarios'

type Boundary = 'before' | 'after' | 'result'

/** Registers the suite. Local activities are part of a workflow task: their result is heard with it, so they have no third boundary. */
export function killedAt(boundary: Boundary, kind: 'remote' | 'local'): void {
  const it = crashing()
  describe.each(SCENARIOS)(`$name: the worker dies, ${boundary}`, (scenario) => {
    test.each(callsOf(scenario, kind))('%s', async (call) => {
      const how = `${kind === 'local' ? 'l' : ''}${boundary[0]}`
      expect(await it.killed(scenario, operationFor(scenario, call, how), `${call}:${boundary}`)).toEqual([])
    })
  })
}
