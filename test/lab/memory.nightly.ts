/** A lab is small: a writer, a replica, a restored copy and a closed-off copy in each of three clouds, twelve servers at once, fit into
 *  1.5 GiB with the lab itself, right after they were made and used. Counted is what Linux calls the proportional set size: a page
 *  that several processes share counts to each with its share. Other systems say nothing of the kind: there it is not counted. */
import { memoryOfAll } from '../support/memory'
import { type DrivenClouds, drivenClouds } from './driven/clouds'
import { fourInstances } from './driven/four-instances'
import { connect } from './fixture'
import { killableLab } from './killable'

const MIB = 1024 * 1024
const lab = killableLab('instant')
let clouds: DrivenClouds

beforeAll(async () => {
  await lab.open()
  clouds = drivenClouds({ block: lab.block, stateDir: lab.stateDir, ready: lab.lab })
})
afterAll(() => lab.remove())

test('twelve instances of three clouds at once fit into 1.5 GiB', async () => {
  const made = await Promise.all(Object.values(clouds).map(async (cloud) => ({ cloud, ids: await fourInstances(cloud) })))
  for (const { cloud, ids } of made) {
    for (const id of ids) {
      const client = await connect(lab.client, await cloud.login(id))
      expect((await client.query('SELECT count(*)::int AS n FROM pg_class')).rows).toEqual([{ n: expect.any(Number) }])
      await client.end()
    }
  }
  expect((await lab.call('GET', '/_lab/status')).body.instances).toHaveLength(12)
  const bytes = memoryOfAll(lab.processes())
  if (bytes === null) return
  process.stdout.write(`12 instances and the lab: ${Math.round(bytes / MIB)} MiB\n`)
  expect(bytes).toBeLessThan(1_536 * MIB)
  // it is not that little because nobody was counted
  expect(bytes).toBeGreaterThan(12 * 5 * MIB)
})
