/** The scenarios are worth something only if they turn red when a guard is missing. That of the barrier is looked at with every change (switchover.crash.ts). */
import * as mutations from './mutations'
import * as own from './own-faults'

const { foundWithout } = mutations
const SWITCHOVER = { seed: 1, fault: 'none', from: 'aws', to: 'gcp' } as const
const FAILOVER = { ...SWITCHOVER, operation: 'failover' } as const
/** Whoever wrote first, another, and the first again. */
const TWO_WRITERS = /writes were accepted in turn by (\d+), \d+, \1/

test('without the fence the operation itself does not go on', async () => {
  expect(await foundWithout(mutations.WITHOUT_FENCE_STEP, SWITCHOVER)).toMatch(/op-1 ended failed/)
})

test('with a fence that lets writers in again before the old one follows, two servers are found to take writes', async () => {
  expect(await foundWithout(mutations.WITHOUT_LIMIT, SWITCHOVER)).toMatch(TWO_WRITERS)
})

test('without the fence by its cloud, a source that goes on writes beside the new writer', async () => {
  const drawn = { ...FAILOVER, own: own.GOES_ON_AMID_THE_FENCE }
  expect(await foundWithout(mutations.WITHOUT_CLOUDS_FENCE, drawn)).toMatch(TWO_WRITERS)
})

test('without the margin a number that a lost row has is given again', async () => {
  const drawn = { ...FAILOVER, own: own.CUT_OFF_AND_WRITES }
  expect(await foundWithout(mutations.WITHOUT_MARGIN, drawn)).toMatch(/twice/)
})

test('an attempt that was overtaken while it stood still, and goes on, opens nothing', async () => {
  const drawn = { ...SWITCHOVER, own: own.STANDS_STILL_AS_IT_OPENS }
  expect(await foundWithout(mutations.WITH_TIME_TO_STOP, drawn)).toBe('')
})

test('without the epoch it opens the old writer behind the fence of its successor, which stands in nobody knows what', async () => {
  const drawn = { ...SWITCHOVER, own: own.STANDS_STILL_AS_IT_OPENS }
  const found = await foundWithout([...mutations.WITH_TIME_TO_STOP, ...mutations.WITHOUT_EPOCH], drawn)
  expect(found).toMatch(/op-1 ended needs-operator at move/)
})
