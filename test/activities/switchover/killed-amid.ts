/** A process that carries writing over dies before a statement of its, wherever that is, and another begins anew; in the end nothing is lost, and writing is where it was or moves. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../../contracts/failures'
import type { Session } from '../../../postgres/connect/session'
import { until } from '../../support/eventually'
import type { Moving } from './moving'
import type { Wired } from './wired'
import type { Wires } from './wires'

/** One that writes all the time, and knows what was acknowledged. */
export interface Writing {
  readonly acknowledged: ReadonlySet<number>
  goesOn(): Promise<void>
  stop(): Promise<void>
}

export function startWriting(it: Moving): Writing {
  const acknowledged = new Set<number>()
  let over = false
  const loop = async (): Promise<void> => {
    let session: Session | null = null
    while (!over) {
      try {
        session ??= await it.inside('source', 'app')
        const [row] = await session.query<{ id: number }>(`INSERT INTO orders (what) VALUES ('on') RETURNING id::int AS id`)
        if (row !== undefined) acknowledged.add(row.id)
        await sleep(2)
      } catch {
        await session?.close()
        session = null
        await sleep(10)
      }
    }
    await session?.close()
  }
  const running = loop()
  return {
    acknowledged,
    async goesOn() {
      const before = acknowledged.size
      await until('writers to go on', async () => acknowledged.size > before + 2)
    },
    async stop() {
      over = true
      await running
    },
  }
}

async function lacking(it: Moving, side: 'source' | 'standby', acknowledged: Iterable<number>): Promise<number[]> {
  const rows = await it.on(side, 'postgres', 'SELECT id::int AS id FROM public.orders')
  const there = new Set(rows.map(({ id }) => id))
  return [...acknowledged].filter((id) => !there.has(id))
}

/** `done`: it came to its end before it was to die. */
export async function dying(wires: Wires, statements: number, work: () => Promise<unknown>): Promise<'done' | 'died'> {
  wires.dieAfter(statements)
  try {
    await work()
    return 'done'
  } catch (error) {
    // what was under way beside the statement that was not sent has lost its connection, and what was to come finds nobody
    const gone =
      error instanceof Failure &&
      ['CONNECTION_LOST', 'DATABASE_UNREACHABLE', 'NOT_READY_YET', 'BARRIER_NOT_PASSED'].includes(error.code)
    if (!wires.lost || !gone) throw error
    return 'died'
  } finally {
    wires.whole()
  }
}

/** `from`, `step`: before which statements; `oneWay`: why with no way back. Resolves to how often it died in each of both. */
export async function killedAmid(
  { movers, wires }: Wired,
  { from, step, oneWay }: { readonly from: number; readonly step: number; readonly oneWay?: string },
): Promise<Readonly<Record<'crossing' | 'back', number>>> {
  const it = await movers.moving(wires.ports, oneWay)
  const apart = oneWay === undefined ? 'way-back' : 'apart'
  const writing = startWriting(it)
  const deaths = { crossing: 0, back: 0 }
  try {
    expect((await it.plan()).blocks).toEqual([])
    await it.act((on) => on.prepareWayBack(it.input(apart)))
    await writing.goesOn()
    const cross = () => it.act((on) => on.fenceAndDrain(it.input('cross')))
    for (let n = from; (await dying(wires, n, cross)) === 'died'; n += step) {
      deaths.crossing += 1
      // behind the fence or before it, the standby lets nobody write
      await expect(it.on('standby', 'app', `INSERT INTO orders (what) VALUES ('second')`)).rejects.toThrow()
    }
    const closed = new Set(writing.acknowledged)
    await expect(it.on('source', 'app', `INSERT INTO orders (what) VALUES ('late')`)).rejects.toThrow()
    expect(await lacking(it, 'standby', closed)).toEqual([])
    expect((await it.act((on) => on.lookOnceMore(it.input('look-again')))).summary).toContain(
      `is closed, ${oneWay === undefined ? 'the way back carries' : 'nothing follows'}`,
    )

    const back = () => it.act((on) => on.takeBackFence(it.input('cross')))
    for (let n = from; (await dying(wires, n, back)) === 'died'; n += step) deaths.back += 1
    await it.act((on) => on.dropWayBack(it.input(apart)))
    await writing.goesOn()
  } finally {
    await writing.stop()
  }
  expect(await lacking(it, 'source', writing.acknowledged)).toEqual([])
  await until('the standby to have all', async () => (await lacking(it, 'standby', writing.acknowledged)).length === 0)
  const count = 'SELECT count(*)::int AS n, count(DISTINCT id)::int AS ids FROM public.orders'
  const [[here], [there]] = await Promise.all([it.on('source', 'postgres', count), it.on('standby', 'postgres', count)])
  expect(there).toEqual(here)
  return deaths
}
