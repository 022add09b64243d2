/** Work on two sides at once, one of which fails. */
import { onBothSides } from '../../../postgres/verify/both-sides'

test('a side whose other one failed is told to stop, and has stopped before the failure is thrown', async () => {
  let steps = 0
  let running = true
  const both = onBothSides(async (side, stopped) => {
    if (side === 'source') throw new Error('the source failed')
    for (; !stopped() && steps < 1000; steps += 1) await new Promise((resolve) => setImmediate(resolve))
    running = false
  })
  await expect(both).rejects.toThrow('the source failed')
  expect({ running, stoppedEarly: steps < 1000 }).toEqual({ running: false, stoppedEarly: true })
})

test('what both resolve to is told by side', async () => {
  expect(await onBothSides(async (side) => `${side}’s`)).toEqual({ source: 'source’s', target: 'target’s' })
})
