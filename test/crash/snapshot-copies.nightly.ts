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

/** What changes something dies on every side of it; what looks, once it has looked. */
const FAILPOINTS = [
  ...['startSnapshotCopy#1', 'startSnapshotCopy#2', 'expireSnapshots#2'].flatMap((call) => [
    `${call}:before`,
    `${call}:after`,
    `${call}:result`,
  ]),
  ...['awaitSnapshotCopy#1:after', 'verifySnapshotCopy#2:after'],
]

test.each(FAILPOINTS)('the worker dies, %s', async (failpoint) => {
  const [call = '', boundary = ''] = failpoint.split(':')
  const operation = operationFor(COPIES, call, boundary[0] ?? '')
  const deaths = it.capstan.deaths()
  const wrong = await it.cell(COPIES, operation, { before: () => it.capstan.arm(failpoint), fleet })
  expect(wrong).toEqual([])
  expect([it.capstan.disarm(failpoint), it.capstan.deaths()]).toEqual([false, deaths + 1])
})

test('an answer that is lost: one copy, adopted', async () => {
  const wrong = await it.cell(COPIES, 'copies-lost', {
    before: async () => void (await it.lab.order({ kind: 'drop-response', operation: 'CopyDBSnapshot' })),
    after: () => it.lab.withdrawAll(),
    fleet,
  })
  expect(wrong).toEqual([])
})
