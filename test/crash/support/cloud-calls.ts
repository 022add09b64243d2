/** Each call to the cloud of a migration that passes, disturbed: what is dropped after it acted with every change, the rest at night (cloud-calls.nightly.ts). */
import { crashing } from './crashing'
import { type CloudCallKind, cloudCallsOf } from './golden'
import { operationFor } from './names'
import { PASSES } from './scenarios'

/** The SDK tries three times by itself: more often than that, so that the failure comes through to our own retries. */
const PAST_THE_SDK = 4

const FAULTS = {
  dropped: { how: 'answer dropped after it acted', kind: 'drop-response', times: 1, code: 'd' },
  throttled: { how: 'throttled', kind: 'throttle', times: PAST_THE_SDK, code: 't' },
  failing: { how: 'failing', kind: 'fail', times: PAST_THE_SDK, code: 'f' },
} as const

function scopeOf({ operation: call, resource }: CloudCallKind, operation: string) {
  return { operation: call, resource: resource.replace('{operation}', operation) }
}

/** Registers the suite. */
export function callsDisturbed(...faults: readonly (keyof typeof FAULTS)[]): ReturnType<typeof crashing> {
  const it = crashing()
  describe.each(faults.map((name) => FAULTS[name]))('a call to the cloud, $how', ({ kind, times, code }) => {
    test.each(cloudCallsOf(PASSES))('$operation $resource', async (call) => {
      const operation = operationFor(PASSES, `${call.operation}${call.resource}`, code)
      const order = { kind, times, ...scopeOf(call, operation) }
      const since = await it.lab.mark()
      const wrong = await it.cell(PASSES, operation, {
        before: async () => void (await it.lab.order(order)),
        after: () => it.lab.withdrawAll(),
      })
      const struck = (await it.lab.calls(since)).filter(({ faults }) => faults.some((fault) => fault.kind === kind)).length
      expect({ wrong, struck }).toEqual({ wrong: [], struck: times })
    })
  })
  return it
}
