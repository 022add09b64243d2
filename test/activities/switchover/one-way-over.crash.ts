/** After a move without a way back, or one that was taken back: nobody goes on by its papers, and who came into the old writer meanwhile is told and not passed over. */
import { KEYHOLE } from '../../../postgres/fence/keyhole'
import { failureOf } from '../../postgres/support/apply'
import { goingByHand, mayWrite } from './going-by-hand'
import { type Movers, type Moving, startMovers } from './moving'

const WHY = '15 is old, and goes'
let movers: Movers
beforeAll(async () => {
  movers = await startMovers(15)
})
afterAll(() => movers?.stop())

const beside = (it: Moving, side: 'source' | 'standby', sql: string) => it.on(side, 'master', sql, KEYHOLE)

/** As whoever made it a standby, or another operation of later, leaves it. */
async function keptOutBy(it: Moving, operation: string): Promise<void> {
  await beside(
    it,
    'standby',
    `INSERT INTO capstan.kept_out (oid, operation, grants, added) SELECT oid, '${operation}', '[]', '{}' FROM pg_database WHERE datname = '${it.names.standby}'`,
  )
}

async function planned(): Promise<Moving> {
  const it = await movers.moving(undefined, WHY)
  expect((await it.plan()).blocks).toEqual([])
  await it.act((on) => on.writePapers(it.input('papers')))
  await keptOutBy(it, 'set-up')
  return it
}

async function crossed(): Promise<Moving> {
  const it = await planned()
  await it.act((on) => on.prepareWayBack(it.input('apart')))
  await it.act((on) => on.fenceAndDrain(it.input('cross')))
  return it
}

const opens = async (it: Moving): Promise<void> => {
  await it.act((on) => on.recordMoved(it.input('move')))
  await it.act((on) => on.openToApplications(it.input('open')))
}
const leave = (it: Moving) => it.act((on) => on.leaveOldClosed(it.input('leave')))
const marked = async (it: Moving) =>
  (
    await beside(
      it,
      'source',
      `SELECT m.operation FROM capstan.moved_away m JOIN pg_database d ON d.oid = m.oid WHERE d.datname = '${it.names.source}'`,
    )
  ).map(({ operation }) => operation)

test.each(['before the old writer was left', 'after it'])(
  'once writing has moved on from the new writer too, %s, its papers open nothing',
  async (when) => {
    const it = await crossed()
    await opens(it)
    if (when === 'after it') await leave(it)
    await keptOutBy(it, 'moved-on')
    const { revert, finish } = await goingByHand({ servers: movers.servers }, it)
    await failureOf(revert(), 'NO_WAY_BACK')
    await failureOf(finish(), 'FENCE_REFUSED')
    expect([await mayWrite(it, 'source'), await marked(it)]).toEqual([false, [it.operation]])
    const [followed] = await it.on('standby', 'postgres', 'SELECT count(*)::int AS n FROM capstan.standby_origin')
    expect(followed).toEqual({ n: 0 })
  },
)

const TAKEN_BACK: readonly [string, () => Promise<Moving>][] = [
  [
    'taken back by the workflow',
    async () => {
      const it = await crossed()
      await it.act((on) => on.takeBackFence(it.input('cross')))
      await it.act((on) => on.dropWayBack(it.input('apart')))
      return it
    },
  ],
  [
    'refused for what was lacking',
    async () => {
      const it = await planned()
      await it.on('source', 'mover', 'CREATE TABLE public.orders_new (id int PRIMARY KEY)')
      const refused = it.act((on) => on.prepareWayBack(it.input('apart')))
      await failureOf(refused, 'DATABASE_REFUSED')
      return it
    },
  ],
  [
    'taken back by hand',
    async () => {
      const it = await crossed()
      expect(await (await goingByHand(movers, it)).revert()).toEqual({ standbyLeft: false })
      return it
    },
  ],
]

test.each(TAKEN_BACK)('one that was %s is not finished by its papers', async (_, begin) => {
  const it = await begin()
  const { finish, led } = await goingByHand(movers, it)
  expect((await failureOf(finish(), 'FENCE_REFUSED')).message).toContain('does not keep applications out')
  expect([led, await mayWrite(it, 'source'), await marked(it)]).toEqual([[], true, []])
})

/** A pool that comes in while somebody has it open, and stays. */
async function comesIn(it: Moving) {
  const open = (flag: boolean) =>
    it.on('source', 'postgres', `ALTER DATABASE ${it.names.source} ALLOW_CONNECTIONS ${flag}`, 'postgres')
  await open(true)
  const session = await it.inside('source', 'app').catch(() => it.inside('source', 'mover'))
  await open(false)
  return session
}

test('whoever came into the old writer while somebody had it open writes there, so the standby is not opened, and it does not count as left', async () => {
  const it = await crossed()
  await it.act((on) => on.recordMoved(it.input('move')))
  const first = await comesIn(it)
  const told = await failureOf(
    it.act((on) => on.openToApplications(it.input('open'))),
    'FENCE_NOT_PROVEN',
  )
  expect(told.message).toContain('there are sessions: app')
  await first.close()
  await it.act((on) => on.openToApplications(it.input('open')))
  const second = await comesIn(it)
  expect((await failureOf(leave(it), 'FENCE_NOT_PROVEN')).message).toContain('pg_terminate_backend')
  const { finish } = await goingByHand(movers, it)
  await failureOf(finish(), 'FENCE_NOT_PROVEN')
  await second.close()
  expect(await finish()).toEqual({ sourceLeft: false })
})

test.each(['the workflow', 'hand'])(
  'left by %s, an old writer bears its mark, and whoever opens it lets its own roles in alone',
  async (by) => {
    const it = await crossed()
    await opens(it)
    // it was away when writing moved
    await beside(it, 'source', 'DELETE FROM capstan.moved_away')
    if (by === 'hand') expect(await (await goingByHand(movers, it)).finish()).toEqual({ sourceLeft: false })
    else await leave(it)
    expect(await marked(it)).toEqual([it.operation])
    await it.on('source', 'postgres', `ALTER DATABASE ${it.names.source} ALLOW_CONNECTIONS true`, 'postgres')
    expect(await mayWrite(it, 'source')).toBe(false)
    expect(await it.on('source', 'mover', 'SELECT count(*)::int AS n FROM orders')).toEqual([{ n: 1 }])
  },
)
