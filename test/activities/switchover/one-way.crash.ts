/** Writing moves away from a PostgreSQL that is too old to follow back: it stays closed, whoever dies or goes on by hand, and nobody writes on both sides. */
import type { Observed } from '../../../contracts/switchover'
import { KEYHOLE } from '../../../postgres/fence/keyhole'
import { failureOf } from '../../postgres/support/apply'
import { until } from '../../support/eventually'
import { goingByHand, mayWrite } from './going-by-hand'
import { dying, killedAmid } from './killed-amid'
import type { Moving } from './moving'
import { wired } from './wired'

const both = wired(15)
const WHY = '15 is old, and goes'

async function prepared(): Promise<Moving> {
  const { movers, wires } = both()
  const it = await movers.moving(wires.ports, WHY)
  expect((await it.plan()).blocks).toEqual([])
  await it.act((on) => on.writePapers(it.input('papers')))
  await it.act((on) => on.prepareWayBack(it.input('apart')))
  return it
}

async function crossed(): Promise<Moving> {
  const it = await prepared()
  await it.act((on) => on.fenceAndDrain(it.input('cross')))
  return it
}

async function opened(): Promise<Moving> {
  const it = await crossed()
  await it.act((on) => on.recordMoved(it.input('move')))
  await it.act((on) => on.openToApplications(it.input('open')))
  return it
}

const standing = async (it: Moving) => {
  const [there] = await it.on(
    'source',
    'master',
    `SELECT datallowconn AS open FROM pg_database WHERE datname = '${it.names.source}'`,
    KEYHOLE,
  )
  const [slots] = await it.on(
    'source',
    'master',
    `SELECT count(*)::int AS n FROM pg_replication_slots WHERE database = '${it.names.source}'`,
    KEYHOLE,
  )
  const [followed] = await it.on(
    'standby',
    'postgres',
    'SELECT count(*)::int AS n FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()',
  )
  return { open: there?.open, slots: slots?.n, subscriptions: followed?.n }
}
const LEFT = { open: false, slots: 0, subscriptions: 0 }

test('the plan refuses it and names the option; with that it says what it means, why, and who said so', async () => {
  const it = await both().movers.moving()
  const { blocks } = await it.plan()
  expect(blocks).toContainEqual({
    rule: 'switchover:way-back',
    message: expect.stringMatching(/is PostgreSQL 15: before 16 only a superuser may subscribe there.*--no-way-back "why"/),
  })
  const one = await both().movers.moving(undefined, WHY)
  const planned = await one.plan()
  expect(planned.blocks).toEqual([])
  expect(planned.summary).toContain(`no way back: ${WHY}`)
  const said = expect.stringMatching(
    /^There is no way back\. .* going back to shop-\d+ loses it\. .* The reason that was given: 15 is old, and goes$/,
  )
  expect(planned.warnings).toContainEqual({ rule: 'switchover:one-way', message: said })
  expect(await one.ledger.getDocument({ operation: one.operation, name: 'switchover-plan' })).toMatchObject({
    oneWay: { because: expect.stringContaining('PostgreSQL 15'), reason: WHY },
  })
})

const EVERY = 13

test('a crossing that dies before a statement is begun anew, or taken back, and loses nothing', async () => {
  const from = 1 + (Math.floor(Date.now() / 86_400_000) % EVERY)
  const deaths = await killedAmid(both(), { from, step: EVERY, oneWay: WHY })
  expect(deaths.crossing).toBeGreaterThan(6)
  expect(deaths.back).toBeGreaterThan(1)
})

test('beyond, whoever dies before a statement is repeated: the old writer stays closed, and nothing holds its log back', async () => {
  const { wires } = both()
  const it = await opened()
  let deaths = 0
  const leave = () => it.act((on) => on.leaveOldClosed(it.input('leave')))
  for (let n = 1; (await dying(wires, n, leave)) === 'died'; n += 3) {
    deaths += 1
    expect([await mayWrite(it, 'source'), await mayWrite(it, 'standby')]).toEqual([false, true])
  }
  expect(deaths).toBeGreaterThan(4)
  expect((await leave()).summary).toContain('stays closed')
  expect(await standing(it)).toEqual(LEFT)
  const [mark] = await it.on(
    'source',
    'master',
    `SELECT operation FROM capstan.moved_away m JOIN pg_database d ON d.oid = m.oid WHERE d.datname = '${it.names.source}'`,
    KEYHOLE,
  )
  expect(mark).toEqual({ operation: it.operation })
  const n = it.operation.split('-')[1]
  expect((await it.ledger.getStandby({ source: `shop-${n}`, target: `stand-${n}` }))?.state).toBe('gone')
  expect(await it.ledger.getStandby({ source: `stand-${n}`, target: `shop-${n}` })).toBeNull()
  // a workflow that is set back
  await failureOf(
    it.act((on) => on.takeBackFence(it.input('cross'))),
    'RESOURCE_NOT_OURS',
  )
  await failureOf(
    it.act((on) => on.dropWayBack(it.input('apart'))),
    'RESOURCE_NOT_OURS',
  )
  expect([await mayWrite(it, 'source'), await mayWrite(it, 'standby')]).toEqual([false, true])
})

test('whoever is turned away on a source that stays closed is seen from beside it', async () => {
  const it = await opened()
  await it.act((on) => on.leaveOldClosed(it.input('leave')))
  const looking = (seen: Observed | null) => it.act((on) => on.observeWriter({ ...it.input('observe'), forMs: 0, seen }))
  const { seen } = await looking(null)
  expect(seen.follows).toBeNull()
  expect(await mayWrite(it, 'source')).toBe(false)
  await until('that to be told', async () =>
    (await looking(seen)).findings.some(({ rule, message }) => rule === 'observe:turned-away' && message.includes('on shop-')),
  )
})

test('a source that somebody opens behind the barrier lets no application into the standby, nor be taken for one that is closed', async () => {
  const it = await crossed()
  const open = (flag: boolean) =>
    it.on('source', 'postgres', `ALTER DATABASE ${it.names.source} ALLOW_CONNECTIONS ${flag}`, 'postgres')
  await open(true)
  const look = () => it.act((on) => on.lookOnceMore(it.input('look-again')))
  expect((await failureOf(look(), 'FENCE_NOT_PROVEN')).message).toContain('takes connections')
  await failureOf(
    it.act((on) => on.recordMoved(it.input('move'))),
    'FENCE_NOT_PROVEN',
  )
  await open(false)
  await it.act((on) => on.recordMoved(it.input('move')))
  await open(true)
  await failureOf(
    it.act((on) => on.openToApplications(it.input('open'))),
    'FENCE_NOT_PROVEN',
  )
  const told = (
    await failureOf(
      it.act((on) => on.leaveOldClosed(it.input('leave'))),
      'FENCE_NOT_PROVEN',
    )
  ).message
  expect(told).toMatch(/ALLOW_CONNECTIONS false, then SELECT pg_terminate_backend.*, and have this tried again/)
  expect(await mayWrite(it, 'standby')).toBe(false)
})

test('behind a fence of which its barrier was not passed nothing moves', async () => {
  const it = await crossed()
  await it.on('source', 'master', 'UPDATE capstan.closed_database SET connection_limit = NULL', KEYHOLE)
  expect(
    (
      await failureOf(
        it.act((on) => on.lookOnceMore(it.input('look-again'))),
        'FENCE_NOT_PROVEN',
      )
    ).message,
  ).toContain('barrier')
  // by whoever left that look out
  await failureOf(
    it.act((on) => on.recordMoved(it.input('move'))),
    'FENCE_NOT_PROVEN',
  )
})

test('finished by hand, writing is at the standby alone, and may not be taken back', async () => {
  const it = await prepared()
  await it.on('source', 'app', `INSERT INTO orders (what) VALUES ('last')`)
  const { finish, revert, led } = await goingByHand(both().movers, it)
  expect(await finish()).toEqual({ sourceLeft: false })
  expect(led).toEqual([true])
  expect(await it.on('standby', 'app', `SELECT what FROM orders ORDER BY id`)).toEqual([{ what: 'first' }, { what: 'last' }])
  expect([await mayWrite(it, 'source'), await mayWrite(it, 'standby')]).toEqual([false, true])
  expect(await standing(it)).toEqual(LEFT)
  expect(await finish()).toEqual({ sourceLeft: false })
  expect((await failureOf(revert(), 'NO_WAY_BACK')).message).not.toContain('capstan switchover')
  expect([await mayWrite(it, 'source'), await mayWrite(it, 'standby')]).toEqual([false, true])
})

test('from behind the barrier it is finished, or taken back, by hand', async () => {
  const onward = await crossed()
  expect(await (await goingByHand(both().movers, onward)).finish()).toEqual({ sourceLeft: false })
  expect([await mayWrite(onward, 'source'), await mayWrite(onward, 'standby')]).toEqual([false, true])

  const it = await crossed()
  expect(await (await goingByHand(both().movers, it)).revert()).toEqual({ standbyLeft: false })
  expect([await mayWrite(it, 'source'), await mayWrite(it, 'standby')]).toEqual([true, false])
  await until('the standby to follow', async () => (await it.on('standby', 'mover', 'SELECT FROM orders')).length === 2)
})

test('taken back by hand it opens no source while the standby, which may be the writer, is away, though no mark says that writing has moved', async () => {
  const it = await opened()
  await it.on('source', 'master', 'DELETE FROM capstan.moved_away', KEYHOLE)
  const { revert, led } = await goingByHand(both().movers, it, (side) => side === 'standby')
  await failureOf(revert(), 'DATABASE_UNREACHABLE')
  expect([led, await mayWrite(it, 'source'), await mayWrite(it, 'standby')]).toEqual([[], false, true])
})
