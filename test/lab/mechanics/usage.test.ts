import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { type Mechanics, openMechanics } from './fixture'

let lab: Mechanics
beforeAll(async () => {
  lab = await openMechanics()
})
afterAll(() => lab.remove())

test('what a server takes on disk is what du says, grows with its data and shrinks with it', async () => {
  const spec = await lab.create('grows', 17)
  await lab.servers.halt(spec.folder)
  const data = join(lab.stateDir, 'instances', spec.folder, 'data')
  const before = await lab.servers.usage(spec.folder)
  const du = Number(execFileSync('du', ['-sk', data], { encoding: 'utf8' }).split('\t')[0]) * 1024
  // du counts the folder itself as well
  expect(Math.abs(du - before)).toBeLessThanOrEqual(64 * 1024)
  await lab.servers.ensureRunning(spec)
  await lab.ask(spec, "CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 20000)")
  const grown = await lab.servers.usage(spec.folder)
  expect(grown - before).toBeGreaterThan(20_000_000)
  await lab.ask(spec, 'DROP TABLE big')
  await lab.asAdministrator(spec, 'CHECKPOINT')
  expect(grown - (await lab.servers.usage(spec.folder))).toBeGreaterThan(15_000_000)
  await lab.servers.remove(spec.folder)
  expect(await lab.servers.usage(spec.folder)).toBe(0)
})
