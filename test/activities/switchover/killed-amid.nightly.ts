/** As killed-amid.crash.ts, before each statement in turn. */
import { killedAmid } from './killed-amid'
import { wired } from './wired'

const both = wired()

test('a crossing that dies before any statement is begun anew, or taken back, and loses nothing', async () => {
  const deaths = await killedAmid(both(), { from: 0, step: 1 })
  process.stdout.write(`died ${deaths.crossing} times in the crossing, and ${deaths.back} times in the way back from it\n`)
  expect(deaths.crossing).toBeGreaterThan(40)
  expect(deaths.back).toBeGreaterThan(20)
})
