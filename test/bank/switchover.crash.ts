/** A scenario that fits into the time that every change has for it; hundreds have the night (switchover.nightly.ts). And what the checker is worth: without the barrier
 *  it turns red. */
import { foundWithout, WITHOUT_BARRIER } from './mutations'
import { runAll } from './runs'

const SEEDS = [51]

test('however it is disturbed, there is one writer, and nothing that was acknowledged is lost', async () => {
  const { wrong } = await runAll(SEEDS)
  expect(wrong).toEqual([])
})

test('without the barrier, what a standby that stands still had not got is found to be lost', async () => {
  const found = await foundWithout(WITHOUT_BARRIER, { seed: 1, fault: 'walsender stands still', from: 'aws', to: 'gcp' })
  expect(found).toMatch(/acknowledged and lost on \d+: r1/)
})
