/** As many scenarios as fit into the time that every change has for them, with all three clouds; the night has hundreds (switchover.nightly.ts). And what the checker is worth:
 *  without the barrier it turns red. */
import { foundWithout, WITHOUT_BARRIER } from './mutations'
import { pairwise } from './pairwise'
import { runAll } from './runs'
import { drawn, pairOf, type Scenario, scenarioOf } from './scenarios'

const BUDGET_MS = 80_000

const OF_FAILOVER = 'source goes on amid the fence'

/** Of a failover one death; the others are for the night (failover.nightly.ts). */
const SELECTED = pairwise(
  Array.from({ length: 2_000 }, (_, at) => at + 1),
  drawn,
).filter((seed) => {
  const { operation, fault } = scenarioOf(seed)
  return operation !== 'failover' || fault === OF_FAILOVER
})

/** Of each two clouds, however slow the machine is. */
const FIRST: Readonly<Record<string, (scenario: Scenario) => boolean>> = {
  'aws-azure': ({ operation }) => operation === 'abort:cross',
  'aws-gcp': ({ operation, fault }) => operation === 'switchover' && fault === 'server crashes',
  'azure-gcp': ({ operation }) => operation === 'failover',
}

function firstOf([pair, wanted]: readonly [string, (scenario: Scenario) => boolean]): number {
  const found = SELECTED.map(scenarioOf).find((scenario) => pairOf(scenario) === pair && wanted(scenario))
  if (found === undefined) throw new Error(`no scenario of ${pair} is selected`)
  return found.seed
}

test('however it is disturbed, there is one writer, and nothing is lost that was acknowledged, but by a failover what it tells', async () => {
  const { wrong, done } = await runAll([...new Set([...Object.entries(FIRST).map(firstOf), ...SELECTED])], BUDGET_MS)
  process.stdout.write(`${done} scenarios of ${SELECTED.length}\n`)
  expect(wrong).toEqual([])
}, 1_200_000)

test('without the barrier, what a standby that stands still had not got is found to be lost', async () => {
  const found = await foundWithout(WITHOUT_BARRIER, { seed: 1, fault: 'walsender stands still', from: 'aws', to: 'gcp' })
  expect(found).toMatch(/acknowledged and lost on \d+: r1/)
}, 1_200_000)
