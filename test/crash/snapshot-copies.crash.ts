/** The worker dies at the boundaries of what copies a snapshot into other regions: one copy in each, all the same. */
import { temporaryName } from '../../contracts/operation'
import { copyStepOf } from '../../contracts/snapshot'
import { ELSEWHERE } from '../support/target'
import { crashing } from './support/crashing'
import { operationFor } from './support/names'
import { type Scenario, TAKES } from './support/scenarios'

const it = crashing()

const COPIES: Scenario = {
  ...TAKES,
  name: 'copies',
  leaves: (operation) => [...ELSEWHERE.map(copyStepOf), 'take'].map((step) => temporaryName(operation, step)).sort(),
}

const fleet = (yaml: string): string =>
  yaml.replace(
    '    policy:\n',
    `    policy:\n      snapshotCopies: [${ELSEWHERE.map((region) => `{ region: ${region} }`).join(', ')}]\n`,
  )

const CALLS = ['startSnapshotCopy#1', 'startSnapshotCopy#2', 'awaitSnapshotCopy#1', 'verifySnapshotCopy#2', 'expireSnapshots#2']
const BOUNDARIES = ['before', 'after', 'result'] as const

describe.each(BOUNDARIES)('the worker dies, %s', (boundary) => {
  test.each(CALLS)('%s', async (call) => {
    const failpoint = `${call}:${boundary}`
    const operation = operationFor(COPIES, call, boundary[0] ?? '')
    const deaths = it.capstan.deaths()
    const wrong = await it.cell(COPIES, operation, { before: () => it.capstan.arm(failpoint), fleet })
    expect(wrong).toEqual([])
    expect([it.capstan.disarm(failpoint), it.capstan.deaths()]).toEqual([false, deaths + 1])
  })
})

test('an answer that is lost: one copy, adopted', async () => {
  const wrong = await it.cell(COPIES, 'copies-lost', {
    before: async () => void (await it.lab.order({ kind: 'drop-response', operation: 'CopyDBSnapshot' })),
    after: () => it.lab.withdrawAll(),
    fleet,
  })
  expect(wrong).toEqual([])
})
