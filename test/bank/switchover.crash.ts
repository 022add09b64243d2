/** Of the pairwise selection as many scenarios as fit into the time that every change has for them; all of them, and hundreds more,
 *  have the night (switchover.nightly.ts). And what the checker is worth: without the barrier it turns red. */
import { foundWithout, WITHOUT_BARRIER } from './mutations'
import { pairwise } from './pairwise'
import { runAll } from './runs'
import { drawn } from './scenarios'

const POOL = Array.from({ length: 3_000 }, (_, at) => at + 1)
const BUDGET_MS = 110_000
/** Those that move writing come first. */
const aborts = (seed: number): boolean => drawn(seed).operation?.startsWith('abort') === true

test('however it is disturbed, there is one writer, and nothing that was acknowledged is lost', async () => {
  const selected = pairwise(POOL, drawn).sort((one, other) => Number(aborts(one)) - Number(aborts(other)))
  const { wrong, done } = await runAll(selected, BUDGET_MS)
  process.stdout.write(`bank: ${done} of ${selected.length} selected scenarios were run; the rest is run at night\n`)
  expect(wrong).toEqual([])
})

test('without the barrier, what a standby that stands still had not got is found to be lost', async () => {
  const found = await foundWithout(WITHOUT_BARRIER, { seed: 1, fault: 'walsender stands still', from: 'aws', to: 'gcp' })
  expect(found).toMatch(/acknowledged and lost on \d+: r1/)
})
