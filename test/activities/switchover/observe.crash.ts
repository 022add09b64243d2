/** What is seen of a new writer once writing has moved there, on two real servers. */
import type { Observed } from '../../../contracts/switchover'
import { until } from '../../support/eventually'
import { type Movers, type Moving, startMovers } from './moving'

let movers: Movers
beforeAll(async () => {
  movers = await startMovers()
})
afterAll(() => movers?.stop())

/** The old writer follows, and is watched. */
async function moved(): Promise<Moving> {
  const it = await movers.moving()
  await it.crossed()
  await it.act((on) => on.recordMoved(it.input('move')))
  await it.act((on) => on.openToApplications(it.input('open')))
  await it.act((on) => on.letOldFollow(it.input('follow')))
  await it.act((on) => on.turnStandby(it.input('turn')))
  return it
}

const looking = (it: Moving, forMs: number, seen: Observed | null = null) =>
  it.act((on) => on.observeWriter({ ...it.input('observe'), forMs, seen }))
const rules = (findings: readonly { rule: string }[]) => findings.map(({ rule }) => rule).sort()

test('a writer that nobody comes to is told, and one that applications use as before is not', async () => {
  const it = await moved()
  const quiet = await looking(it, 200)
  expect(rules(quiet.findings)).toEqual(['observe:nobody'])
  const app = await it.inside('standby', 'app')
  for (let n = 0; n < 30; n += 1) await app.query(`INSERT INTO orders (what) VALUES ('on')`)
  const { seen, findings } = await looking(it, 3_500, quiet.seen)
  expect(findings).toEqual([])
  expect(seen).toMatchObject({ silent: 0, sessionsMax: 1, follows: { notFollowing: null } })
  expect(seen.looks).toBeGreaterThan(quiet.seen.looks + 1)
  await app.close()
})

test('transactions that are rolled back, a deadlock, whoever is turned away on the old writer, and one that does not follow are told', async () => {
  const it = await moved()
  const [one, other] = [await it.inside('standby', 'app'), await it.inside('standby', 'app')]
  await one.execute(`INSERT INTO orders (what) VALUES ('a'), ('b'); INSERT INTO orders (what) VALUES ('c')`)
  let { seen } = await looking(it, 100)
  for (let n = 0; n < 200; n += 1) await one.query('SELECT 1/0').catch(() => undefined)
  const ids = (await one.query<{ id: number }>('SELECT id::int AS id FROM orders ORDER BY id DESC LIMIT 2')).map(({ id }) => id)
  await one.execute('SET deadlock_timeout = 10').catch(() => undefined)
  await Promise.all([
    one.execute(`BEGIN; UPDATE orders SET what = 'x' WHERE id = ${ids[0]}`),
    other.execute(`BEGIN; UPDATE orders SET what = 'y' WHERE id = ${ids[1]}`),
  ])
  await Promise.allSettled([
    one.execute(`UPDATE orders SET what = 'x' WHERE id = ${ids[1]}`),
    other.execute(`UPDATE orders SET what = 'y' WHERE id = ${ids[0]}`),
  ])
  await Promise.all([one.close(), other.close()])
  for (let n = 0; n < 3; n += 1) await it.on('source', 'app', 'SELECT 1').catch(() => undefined)
  const n = it.operation.split('-')[1]
  const id = { source: `stand-${n}`, target: `shop-${n}` }
  await it.ledger.changeStandby({
    ...id,
    from: 'following',
    to: 'broken',
    reason: 'It is cut off.',
    operation: it.operation,
    at: new Date().toISOString(),
  })
  await until('all to be told', async () => {
    const slice = await looking(it, 500, seen)
    seen = slice.seen
    return rules(slice.findings).join() === 'observe:deadlocks,observe:follows,observe:rollbacks,observe:turned-away'
  })
})
