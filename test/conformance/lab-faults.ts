/** How the lab is told what goes wrong, and asked what was done. */
import type { TestLab } from '../lab/fixture'
import type { Faults } from './cloud-under-test'

interface Call {
  readonly operation: string
  readonly effect: boolean
  readonly resources: object
}

export function faultsOf(lab: Pick<TestLab, 'call'>): Faults {
  const effects = async (): Promise<Call[]> => {
    const { calls } = (await lab.call('GET', '/_lab/calls')).body as { calls: Call[] }
    return calls.filter(({ effect }) => effect)
  }
  return {
    async order(fault) {
      expect(await lab.call('POST', '/_lab/faults', fault)).toMatchObject({ status: 200 })
    },
    async clear() {
      await lab.call('DELETE', '/_lab/faults')
    },
    async allStruck() {
      const { faults } = (await lab.call('GET', '/_lab/faults')).body as { faults: readonly object[] }
      return faults.length === 0
    },
    async effects(operation, resource) {
      const made = (await effects()).filter((call) => call.operation === operation)
      return made.filter(({ resources }) => JSON.stringify(resources).includes(`"${resource}"`)).length
    },
    effectsInAll: async () => (await effects()).length,
  }
}
