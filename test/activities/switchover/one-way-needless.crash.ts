/** Two servers of versions between which there can be a way back. */
import { type Movers, startMovers } from './moving'

let movers: Movers
beforeAll(async () => {
  movers = await startMovers()
})
afterAll(() => movers?.stop())

test('a move without a way back is refused where there can be one', async () => {
  const it = await movers.moving(undefined, 'it is quicker')
  const { blocks } = await it.plan()
  expect(blocks).toEqual([{ rule: 'switchover:way-back', message: expect.stringContaining('leave --no-way-back out') }])
})
