/** The scenarios are worth something only if they turn red when a guard is missing. That of the barrier is looked at with every change (switchover.crash.ts). */
import { foundWithout, WITHOUT_FENCE_STEP, WITHOUT_LIMIT } from './mutations'

test('without the fence the operation itself does not go on', async () => {
  expect(await foundWithout(WITHOUT_FENCE_STEP, { seed: 1, fault: 'none', from: 'aws', to: 'gcp' })).toMatch(/op-1 ended failed/)
})

test('with a fence that lets writers in again before the old one follows, two servers are found to take writes', async () => {
  const found = await foundWithout(WITHOUT_LIMIT, { seed: 1, fault: 'none', from: 'aws', to: 'gcp' })
  expect(found).toMatch(/writes were accepted in turn by \d+, \d+, \d+/)
})
