/** The crossing is one activity from its fence to a way back that carries: it dies before every thirteenth statement that it sends, and so does what takes it back; the night has all
 *  of them (killed-amid.nightly.ts). */
import { killedAmid } from './killed-amid'
import { wired } from './wired'

const both = wired()

const EVERY = 13

test('a crossing that dies before a statement is begun anew, or taken back, and loses nothing', async () => {
  const deaths = await killedAmid(both(), { from: 1 + (Math.floor(Date.now() / 86_400_000) % EVERY), step: EVERY })
  process.stdout.write(`died ${deaths.crossing} times in the crossing, and ${deaths.back} times in the way back from it\n`)
  expect(deaths.crossing).toBeGreaterThan(8)
  expect(deaths.back).toBeGreaterThan(2)
})
