import { readFileSync } from 'node:fs'
import { type Mechanics, openMechanics } from './fixture'

let lab: Mechanics
beforeAll(async () => {
  lab = await openMechanics()
})
afterAll(() => lab.remove())

test('starts and stops of one server that are asked for at once happen one after the other', async () => {
  const spec = await lab.create('turns', 17)
  const starts = (): number => readFileSync(lab.servers.logFile('turns')!, 'utf8').split('starting PostgreSQL').length - 1
  const before = starts()
  await Promise.all([
    lab.servers.halt('turns'),
    lab.servers.ensureRunning(spec),
    lab.servers.ensureRunning(spec),
    lab.servers.restart(spec),
    lab.servers.ensureRunning(spec),
  ])
  expect(starts() - before).toBe(2)
  expect(lab.servers.isDown('turns')).toBe(false)
  expect(await lab.ask(spec, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  await Promise.all([lab.servers.ensureRunning(spec), lab.servers.halt('turns')])
  expect(lab.servers.isDown('turns')).toBe(true)
  // one that fails keeps nobody who comes after it from starting
  const failed = lab.servers.ensureRunning({ ...spec, settings: { shared_buffers: 'nonsense' } })
  const started = lab.servers.ensureRunning(spec)
  await expect(failed).rejects.toMatchObject({ code: 'START_FAILED' })
  await started
  expect(await lab.ask(spec, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  expect(lab.ended).toEqual([])
})
