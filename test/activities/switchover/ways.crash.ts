/** From the closing of a source until its standby is open nobody is served, and one of both is in another cloud: each way there is waited for by everybody. Ways are
 *  counted, and no time. */
import { wired } from './wired'
import type { Side } from './wires'

const both = wired()

async function counted(work: () => Promise<unknown>): Promise<Readonly<Record<Side, number>>> {
  const { wires } = both()
  const before = wires.ways
  await work()
  const { source, standby } = wires.ways
  return { source: source - before.source, standby: standby - before.standby }
}

test('what comes behind the fence finds its sessions open, and asks and writes in few ways; an attempt that finds none opens its own', async () => {
  const { movers, wires } = both()
  const it = await movers.moving(wires.ports)
  await it.crossed()
  const look = () => it.act((on) => on.lookOnceMore(it.input('look-again')))
  const record = () => it.act((on) => on.recordMoved(it.input('move')))
  const open = () => it.act((on) => on.openToApplications(it.input('open')))
  // until those who were inside are gone
  await look()
  // by two sessions, at once
  expect((await counted(look)).standby).toBe(4)
  expect(await counted(record)).toEqual({ source: 5, standby: 6 })
  // whether the source is still closed is asked by a session of its own
  expect(await counted(open)).toEqual({ source: 5, standby: 5 })
  await it.on('standby', 'app', `INSERT INTO orders (what) VALUES ('on')`)

  // as after a crash
  wires.whole()
  expect(await counted(record)).toEqual({ source: 11, standby: 11 })
  expect(await counted(open)).toEqual({ source: 5, standby: 11 })
})
