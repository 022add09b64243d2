/** A lab is small: a writer, a replica, a restored copy and a closed-off copy in each of three clouds, twelve servers at once, fit into
 *  1.5 GiB with the lab itself, right after they were made and used. Counted is what Linux calls the proportional set size: a page
 *  that several processes share counts to each with its share. Other systems say nothing of the kind: there it is not counted. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryOfAll } from '../support/memory'
import { processesNaming } from '../support/processes'
import { type DrivenClouds, drivenClouds } from './driven/clouds'
import { fourInstances } from './driven/four-instances'
import { cacheDir, connect, ownBlock } from './fixture'
import { compileLab, type LabProcess, startLabProcess } from './process'

const MIB = 1024 * 1024
const root = mkdtempSync(join(tmpdir(), 'capstan-lab-memory-'))
const stateDir = join(root, 'state')
const block = ownBlock()
let lab: LabProcess
let clouds: DrivenClouds

beforeAll(async () => {
  chmodSync(root, 0o755)
  const main = compileLab(join(root, 'code'))
  lab = await startLabProcess(main, ['--state', stateDir, '--block', block, '--cache', cacheDir, '--profile', 'instant'])
  clouds = drivenClouds({ block, stateDir, ready: lab.ready })
})
afterAll(async () => {
  lab.child.kill('SIGTERM')
  expect(await lab.exited).toBe(0)
  expect(processesNaming(stateDir)).toEqual([])
  rmSync(root, { recursive: true, force: true })
})

test('twelve instances of three clouds at once fit into 1.5 GiB', async () => {
  const made = await Promise.all(Object.values(clouds).map(async (cloud) => ({ cloud, ids: await fourInstances(cloud) })))
  for (const { cloud, ids } of made) {
    for (const id of ids) {
      const client = await connect(`${block}.2`, await cloud.login(id))
      expect((await client.query('SELECT count(*)::int AS n FROM pg_class')).rows).toEqual([{ n: expect.any(Number) }])
      await client.end()
    }
  }
  const headers = { authorization: `Bearer ${lab.ready.labToken}` }
  const status = (await (await fetch(`${lab.ready.api}/_lab/status`, { headers })).json()) as { instances: unknown[] }
  expect(status.instances).toHaveLength(12)
  const bytes = memoryOfAll(processesNaming(stateDir))
  if (bytes === null) return
  process.stdout.write(`12 instances and the lab: ${Math.round(bytes / MIB)} MiB\n`)
  expect(bytes).toBeLessThan(1_536 * MIB)
  // it is not that little because nobody was counted
  expect(bytes).toBeGreaterThan(12 * 5 * MIB)
})
