/** As killed-amid.crash.ts, before each statement in turn. */
import { killedAmid } from './killed-amid'
import { type Movers, startMovers } from './moving'
import { startWires, type Wires } from './wires'

let movers: Movers
let wires: Wires
beforeAll(async () => {
  movers = await startMovers()
  wires = await startWires(movers)
})
afterAll(async () => {
  await wires?.close()
  await movers?.stop()
})

test('a crossing that dies before any statement is begun anew, or taken back, and loses nothing', async () => {
  const deaths = await killedAmid(movers, wires, { from: 0, step: 1 })
  process.stdout.write(`died ${deaths.crossing} times in the crossing, and ${deaths.back} times in the way back from it\n`)
  expect(deaths.crossing).toBeGreaterThan(40)
  expect(deaths.back).toBeGreaterThan(20)
})
