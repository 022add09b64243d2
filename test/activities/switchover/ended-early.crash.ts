/** What ends a crossing before it is through: a slot whose log its server did not keep (`max_slot_wal_keep_size`), the way there's or the way back's, between the plan and the fence, for which nobody is shut out; a stage that takes too long. */
import { inTime } from '../../../activities/switchover/in-time'
import { standbyNames } from '../../../postgres/replicate/names'
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
const writes = (it: Moving) => it.on('source', 'app', `INSERT INTO orders (what) VALUES ('on') RETURNING id`)

/** As a server does that may keep no more log than that for a slot. */
async function cutOffAtLimit(it: Moving, side: 'source' | 'standby', slot: string): Promise<void> {
  const limited = (to: string) => it.on(side, 'postgres', `ALTER SYSTEM SET max_slot_wal_keep_size = '${to}'`)
  const reload = () => it.on(side, 'postgres', 'SELECT pg_reload_conf()')
  await limited('1MB')
  await reload()
  try {
    await until(`${slot} to be cut off`, async () => {
      await it.on(side, 'postgres', `SELECT pg_logical_emit_message(false, 'fill', repeat('f', 1000000)), pg_switch_wal()`)
      await it.on(side, 'postgres', 'CHECKPOINT')
      const [seen] = await it.on(side, 'postgres', `SELECT wal_status FROM pg_replication_slots WHERE slot_name = '${slot}'`)
      return seen?.wal_status === 'lost'
    })
  } finally {
    await limited('-1')
    await reload()
  }
}

test('a slot that its server cut off since the plan, that of the way back too, ends it at once, before anybody is shut out', async () => {
  const it = await movers.moving()
  expect((await it.plan()).blocks).toEqual([])
  await it.act((on) => on.prepareWayBack(it.input('way-back')))
  const cross = () => it.act((on) => on.fenceAndDrain(it.input('cross')))
  await cutOffAtLimit(it, 'standby', it.back)
  expect(await message(cross(), 'PLAN_DRIFTED')).toMatch(/^Nobody was shut out: Slot \S+ has lost log: make the way back anew\./)
  await writes(it)
  // it is taken away, and made anew
  await it.act((on) => on.dropWayBack(it.input('way-back')))
  await it.act((on) => on.prepareWayBack(it.input('way-back')))

  const [, n] = it.operation.split('-')
  const { slot, subscription } = standbyNames({ source: `shop-${n}`, target: `stand-${n}` })
  await it.on('standby', 'postgres', `ALTER SUBSCRIPTION ${subscription} DISABLE`)
  await cutOffAtLimit(it, 'source', slot)
  await it.on('standby', 'postgres', `ALTER SUBSCRIPTION ${subscription} ENABLE`)
  // it never comes again, and is waited for by nobody
  const began = performance.now()
  expect(await message(cross(), 'BARRIER_NOT_PASSED')).toMatch(
    /^Nobody was shut out: slot \S+ has lost log that the standby needs/,
  )
  expect(performance.now() - began).toBeLessThan(40_000)
  await writes(it)
})

test('a stage that is not through in time is cut off from its sessions', async () => {
  const it = await movers.moving()
  const session = await it.inside('source', 'mover')
  movers.servers.source.freeze()
  try {
    const late = inTime({ stage: 'carrying the sequences', limitMs: 300, sessions: [session] }, () => session.query('SELECT 1'))
    expect(await message(late, 'BARRIER_NOT_PASSED')).toContain('carrying the sequences took longer than the 0.3 s')
  } finally {
    movers.servers.source.thaw()
  }
  expect(session.open).toBe(false)
})
