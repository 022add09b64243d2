/** What is seen of a new writer once writing has moved there, on two real servers. */
import { findingsOf } from '../../../activities/switchover/observe'
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
  const over = new AbortController()
  const watched = it.watched(over.signal, 'turned')
  const quiet = await looking(it, 200)
  expect(rules(quiet.findings)).toEqual(['observe:nobody'])
  const app = await it.inside('standby', 'app')
  for (let n = 0; n < 30; n += 1) await app.query(`INSERT INTO orders (what) VALUES ('on')`)
  const { seen, findings } = await looking(it, 3_500, quiet.seen)
  expect(findings).toEqual([])
  expect(seen).toMatchObject({ silent: 0, sessionsMax: 1, follows: { notFollowing: null } })
  expect(seen.looks).toBeGreaterThan(quiet.seen.looks + 1)
  const n = it.operation.split('-')[1]
  const looked = async () => (await it.ledger.getStandby({ source: `stand-${n}`, target: `shop-${n}` }))?.look != null
  await until('the watch to look', looked)
  expect(rules((await looking(it, 0, seen)).findings)).toEqual([])
  over.abort()
  await watched
  await app.close()
})

test('what could not be seen is told: a watch that looks no more, and an old writer that does not answer', async () => {
  const it = await moved()
  const { seen } = await looking(it, 0)
  const { follows } = seen
  if (follows === null) throw new Error('it has a way back')
  const longAgo = new Date(Date.now() - 60_000).toISOString()
  const later = await looking(it, 0, { ...seen, follows: { ...follows, since: longAgo } })
  expect(later.findings).toContainEqual({
    rule: 'observe:follows',
    message: expect.stringContaining('not looked at by its watch for 6'),
  })
  expect(rules(findingsOf({ ...seen, oldSilent: 1 }))).toContain('observe:old-silent')
})

test('whoever ends it is told what was seen until then', async () => {
  const it = await moved()
  const ends = new AbortController()
  const how = { signal: ends.signal, keep: () => ends.abort() }
  const { seen } = await it.act((on) => on.observeWriter({ ...it.input('observe'), forMs: 600_000, seen: null }), how)
  expect(seen).toMatchObject({ looks: 1 })
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
