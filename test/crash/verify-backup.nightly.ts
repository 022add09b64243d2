/** verify-backup with the worker killed at every boundary of its golden path. */
import { migrating } from '../support/migrating'
import { FIRST } from '../support/target'
import { giveRows, killedAt } from '../support/verifying'

const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant' } }))

const ACTIVITIES = [
  'acquireLock#1',
  'planVerification#1',
  'checkExists#1',
  'startCopy#1',
  'awaitInstance#1',
  'startTakeover#1',
  'proveInert#1',
  'checkAnswers#1',
  'checkIntact#1',
  'checkContent#1',
  'checkUse#1',
  'recordVerification#1',
  'startCanaryRemoval#1',
  'awaitCanaryRemoval#1',
  'writeEvidence#1',
  'releaseLock#1',
]

let fleet: string
beforeAll(async () => {
  await giveRows(it.target)
  fleet = it.target.fleet(FIRST)
  const { code, stderr } = await it.capstan.capstan(['snapshot', 'stock', '--fleet', fleet, '--json', '--operation', 'backed-up'])
  expect([code, stderr]).toEqual([0, ''])
})

test.each(ACTIVITIES.flatMap((activity) => [`${activity}:before`, `${activity}:after`]))(
  'the worker dies at %s',
  async (failpoint) => {
    expect(await killedAt(it, { fleet, failpoint })).toEqual([])
  },
)
