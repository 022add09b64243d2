/** What of the fault matrix another cloud than RDS makes different: who asks it, and what it is asked. A suite is one cloud, so that suites can run
 *  side by side. */
import { createOtherTarget, MASTER_PASSWORD, type OtherCloud } from '../../support/other-clouds'
import { type Crashing, crashing } from './crashing'
import { beginningsOnAurora, callsOnlyOn, cloudCallsOf } from './golden'
import { operationFor } from './names'
import { PASSES } from './scenarios'

const crashingOn = (cloud: OtherCloud): Crashing =>
  crashing(
    () => ({ env: { SHOP_MASTER_PASSWORD: MASTER_PASSWORD } }),
    (capstan) => createOtherTarget(cloud, capstan),
  )

function killedAfter(it: Crashing, calls: readonly string[], letter: string): void {
  describe('the worker dies, after', () => {
    test.each(calls)('%s', async (call) => {
      expect(await it.killed(PASSES, operationFor(PASSES, call, `${letter}k`), `${call}:after`)).toEqual([])
    })
  })
}

/** Registers the suite of Aurora: answers that get lost are the conformance suite's. */
export function disturbedOnAurora(): void {
  killedAfter(crashingOn('aurora'), beginningsOnAurora(), 'u')
}

/** Registers the suite. */
export function disturbedOn(cloud: Exclude<OtherCloud, 'aurora'>): void {
  const it = crashingOn(cloud)
  killedAfter(it, callsOnlyOn(cloud), cloud.slice(0, 1))

  describe('a call that changes something, answer dropped after it acted', () => {
    const changing = cloudCallsOf(PASSES, cloud).filter(({ effect }) => effect)
    test.each(changing)('$operation $resource', async ({ operation: call, resource }) => {
      const operation = operationFor(PASSES, `${call}${resource}`, `${cloud[0]}d`)
      const scope = { operation: call, resource: resource.replace('{operation}', operation) }
      const since = await it.lab.mark()
      const wrong = await it.cell(PASSES, operation, {
        before: async () => void (await it.lab.order({ kind: 'drop-response', times: 1, cloud, ...scope })),
        after: () => it.lab.withdrawAll(),
      })
      const struck = (await it.lab.calls(since)).filter(({ faults }) => faults.length > 0).length
      expect({ wrong, struck }).toEqual({ wrong: [], struck: 1 })
    })
  })
}
