/** A scenario that fits into the time that every change has for it; hundreds have the night (switchover.nightly.ts). And what the checker is worth: without the barrier
 *  it turns red. */
import { foundWithout, WITHOUT_BARRIER } from './mutations'
import { runAll } from './runs'

/** A worker that dies before the fence. */
const SEEDS = [63]

test('however it is disturbed, there is one writer, and nothing that was acknowledged is lost', async () => {
  const { wrong } = await runAll(SEEDS)
  expect(wrong).toEqual([])
}, 1_200_000)

test('without the barrier, what a standby that stands still had not got is found to be lost', async () => {
  const found = await foundWithout(WITHOUT_BARRIER, { seed: 1, fault: 'walsender stands still', from: 'aws', to: 'gcp' })
  expect(found).toMatch(/acknowledged and lost on \d+: r1/)
}, 1_200_000)
