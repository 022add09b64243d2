/** Sessions that stand ready may be dead when they are needed, their servers being there: nothing is concluded from that, and whoever waits does so no longer for it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { KEYHOLE } from '../../../postgres/fence/keyhole'
import { failureOf } from '../../postgres/support/apply'
import { until } from '../../support/eventually'
import type { Moving } from './moving'
import { wired } from './wired'

const both = wired()

const insert = (what: string) => `INSERT INTO orders (what) VALUES ('${what}') RETURNING id::int AS id`
const onSource = (it: Moving, sql: string) => it.on('source', 'postgres', sql, 'postgres')

test('a TRUNCATE … RESTART IDENTITY that is drained behind the fence gives no value twice; what stood ready and is dead by then is asked by sessions anew', async () => {
  const { movers, wires } = both()
  const it = await movers.moving(wires.ports)
  expect((await it.plan()).blocks).toEqual([])
  await it.act((on) => on.prepareWayBack(it.input('way-back')))
  await it.on('standby', 'mover', `SELECT setval('orders_id_seq', 500)`)
  const reader = await it.inside('standby', 'master')
  await reader.execute('BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE')
  await it.on('source', 'mover', `TRUNCATE orders RESTART IDENTITY; INSERT INTO orders (what) VALUES ('a'), ('b'), ('c')`)
  const crossing = it.act((on) => on.fenceAndDrain(it.input('cross')))
  crossing.catch(() => undefined)
  const proven = `SELECT FROM capstan.closed_database WHERE name = '${it.names.source}' AND proven_at IS NOT NULL`
  // there is no keyhole before
  const isProven = () =>
    it.on('source', 'postgres', proven, KEYHOLE).then(
      ({ length }) => length > 0,
      () => false,
    )
  await until('the source to be proven closed', isProven)
  // for whoever would read sequences before it is drained
  await sleep(500)
  await reader.close()
  await crossing
  const last = 'SELECT last_value::int AS last FROM orders_id_seq'
  expect(await it.on('standby', 'mover', last)).toEqual([{ last: 3 }])
  for (const side of ['source', 'standby'] as const) wires.forget(side)
  expect((await it.act((on) => on.lookOnceMore(it.input('look-again')))).summary).toMatch(/the way back carries/)
  await it.act((on) => on.recordMoved(it.input('move')))
  await it.act((on) => on.openToApplications(it.input('open')))
  expect(await it.on('standby', 'app', insert('d'))).toEqual([{ id: 4 }])
})

test('an old writer bears its mark though what stood ready there is dead', async () => {
  const { movers, wires } = both()
  const it = await movers.moving(wires.ports)
  await it.crossed()
  wires.forget('source')
  expect((await it.act((on) => on.recordMoved(it.input('move')))).summary).toMatch(/is known as the old writer/)
})

test('a source that was opened by hand is not taken for silent since what stood ready there is dead', async () => {
  const { movers, wires } = both()
  const it = await movers.moving(wires.ports)
  await it.crossed()
  await it.act((on) => on.recordMoved(it.input('move')))
  wires.forget('source')
  const limit = (to: number) => onSource(it, `ALTER DATABASE ${it.names.source} CONNECTION LIMIT ${to}`)
  await limit(-1)
  const open = () => it.act((on) => on.openToApplications(it.input('open')))
  expect((await failureOf(open(), 'FENCE_NOT_PROVEN')).message).toMatch(/is open with a limit of -1/)
  await expect(it.on('standby', 'app', insert('here'))).rejects.toThrow()
  await limit(0)
  await open()
  await it.on('standby', 'app', insert('here'))
})
