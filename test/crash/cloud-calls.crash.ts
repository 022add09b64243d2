import { callsDisturbed } from './support/cloud-calls'
import { operationFor } from './support/names'
import { PASSES, UNTOUCHED } from './support/scenarios'

const it = callsDisturbed('dropped')

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
