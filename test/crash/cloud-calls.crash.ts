import { crashing } from './support/crashing'
import { type CloudCallKind, cloudCallsOf } from './support/golden'
import { operationFor } from './support/names'
import { PASSES, UNTOUCHED } from './support/scenarios'

const it = crashing()

/** The SDK tries three times by itself: more often than that, so that the failure comes through to our own retries. */
const PAST_THE_SDK = 4

const FAULTS = [
  { how: 'answer dropped after it acted', kind: 'drop-response', times: 1, code: 'd' },
  { how: 'throttled', kind: 'throttle', times: PAST_THE_SDK, code: 't' },
  { how: 'failing', kind: 'fail', times: PAST_THE_SDK, code: 'f' },
] as const

function scopeOf({ operation: call, resource }: CloudCallKind, operation: string) {
  return { operation: call, resource: resource.replace('{operation}', operation) }
}

describe.each(FAULTS)('a call to the cloud, $how', ({ kind, times, code }) => {
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

describe('what the cloud promised does not come to pass', () => {
  test.each(['CreateDBSnapshot', 'RestoreDBInstanceFromDBSnapshot'])('%s', async (call) => {
    const { leaves: _, ...passes } = PASSES
    const scenario = { ...passes, ...UNTOUCHED, ends: { status: 'failed', verdict: null } } as const
    const wrong = await it.cell(scenario, operationFor(PASSES, call, 'p'), {
      before: async () => void (await it.lab.order({ kind: 'fail-operation', operation: call, times: 1 })),
      after: () => it.lab.withdrawAll(),
    })
    expect(wrong).toEqual([])
  })
})
