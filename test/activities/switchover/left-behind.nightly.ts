/** An old writer that does not follow: somebody opened it, or it was away until its slot was dropped. It is seeded anew, and never while it may be the writer. */
import { failureOf } from '../../postgres/support/apply'
import { until } from '../../support/eventually'
import { type Movers, type Moving, startMovers } from './moving'

let movers: Movers
beforeAll(async () => {
  movers = await startMovers()
})
afterAll(() => movers?.stop())

const message = async (failing: Promise<unknown>, code: Parameters<typeof failureOf>[1]) =>
  (await failureOf(failing, code)).message
const limited = (it: Moving, to: number) =>
  it.on('source', 'postgres', `ALTER DATABASE ${it.names.source} CONNECTION LIMIT ${to}`, 'postgres')
const inKeyhole = (it: Moving, sql: string) => it.on('source', 'master', sql, 'capstan_fence')
const reseed = (it: Moving) => it.replicating('reseed', (on, input) => on.stopFollowing(input))
const resume = (it: Moving) => it.replicating('resume', (on, input) => on.resumeStandby(input))

async function moved(it: Moving): Promise<void> {
  await it.crossed()
  await it.act((on) => on.recordMoved(it.input('move')))
  await it.act((on) => on.openToApplications(it.input('open')))
}

/** Its rows are given up, and nobody but its own roles comes in. */
async function isGivenUp(it: Moving): Promise<void> {
  await expect(it.on('source', 'app', 'SELECT 1')).rejects.toThrow()
  const [mark] = await it.on('source', 'mover', 'SELECT state, source FROM capstan.standby_origin')
  expect(mark).toEqual({ state: 'preparing', source: expect.stringMatching(/^stand-/) })
  const subscriptions =
    'SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()'
  expect([await it.on('source', 'master', subscriptions), await it.on('standby', 'master', subscriptions)]).toEqual([[], []])
  await it.on('standby', 'app', `INSERT INTO public.orders (what) VALUES ('served')`)
}

test('one that somebody opened is not emptied while an application is connected, and then it is', async () => {
  const it = await movers.moving()
  await moved(it)
  await limited(it, -1)
  expect(await message(resume(it), 'FENCE_NOT_PROVEN')).toMatch(
    /^Somebody opened shop-\d+ since .* reseed stand-\d+ --to shop-\d+" throws it away/,
  )
  const app = await it.inside('source', 'app')
  expect(await message(reseed(it), 'DATABASE_REFUSED')).toContain('app: 1')
  await app.query('SELECT 1')
  await app.close()
  const own = await it.inside('source', 'mover', 'an application that logs in as the owner')
  expect(await message(reseed(it), 'DATABASE_REFUSED')).toContain('It may be the writer')
  await own.close()
  await reseed(it)
  await isGivenUp(it)
})

test('one that was away when writing moved, and until its slot was dropped, is taken back by who closed it', async () => {
  const it = await movers.moving()
  await moved(it)
  await inKeyhole(it, 'DELETE FROM capstan.moved_away')
  const source = (await it.on('standby', 'master', 'SELECT slot_name FROM pg_replication_slots WHERE active'))[0]?.slot_name
  await it.on(
    'standby',
    'postgres',
    `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '${source}'`,
  )
  const [record] = (await it.ledger.listStandbys()).filter(
    ({ state, operation }) => state === 'switching' && operation === it.operation,
  )
  if (record === undefined) throw new Error('the way back is in the ledger')
  const at = new Date().toISOString()
  await it.ledger.changeStandby({
    ...record,
    from: 'switching',
    to: 'to-be-seeded',
    reason: 'The slot is gone.',
    operation: null,
    at,
  })
  await reseed(it)
  await isGivenUp(it)
})

test('one that is the writer still, closed by a switchover that was ended before it moved anything, is never emptied', async () => {
  const it = await movers.moving()
  await it.crossed()
  expect(await message(reseed(it), 'STANDBY_CHANGED')).toContain('switching')
  await limited(it, -1)
  expect(await message(reseed(it), 'STANDBY_CHANGED')).toContain('switching')
  await it.takenBack()
  await until(
    'writers to go on',
    async () => (await it.on('source', 'app', `INSERT INTO orders (what) VALUES ('on') RETURNING id`)).length === 1,
  )
})

test('opened again while nobody comes into the standby, the source turns no writer away', async () => {
  const it = await movers.moving()
  await it.crossed()
  const takes = (connections: boolean) =>
    it.on('standby', 'postgres', `ALTER DATABASE ${it.names.standby} ALLOW_CONNECTIONS ${connections}`, 'postgres')
  await takes(false)
  await expect(it.act((on) => on.takeBackFence(it.input('cross')))).rejects.toThrow()
  for (const as of ['app', 'mover'] as const) await it.on('source', as, `INSERT INTO public.orders (what) VALUES ('on')`)
  await takes(true)
  await it.takenBack()
})
