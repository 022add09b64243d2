/** The control plane loses one side in the midst of the crossing, while the servers live on: where it can, writers go on at once; else once that side is reached again. */
import { failureOf } from '../../postgres/support/apply'
import { until } from '../../support/eventually'
import { startWriting } from './killed-amid'
import type { Wired } from './wired'
import type { Side } from './wires'

/** By a statement that is the first of the stage. */
export const STAGES = {
  'the marker': /INTO capstan\.standby_marker/,
  'the barrier': /wal_status AS status, s\.confirmed_flush_lsn/,
  'the sequences': /FROM pg_sequence q/,
  'the way back': /ALTER SUBSCRIPTION [^;]* DISABLE/,
} as const
export const SIDES = ['source', 'standby'] as const

export async function cutAmid(
  { movers, wires }: Wired,
  { stage, side, how }: { readonly stage: keyof typeof STAGES; readonly side: Side; readonly how: 'cut' | 'drop' | 'mute' },
): Promise<void> {
  const it = await movers.moving(wires.ports)
  const writing = startWriting(it)
  const takeBack = () => it.act((on) => on.takeBackFence(it.input('cross')))
  try {
    expect((await it.plan()).blocks).toEqual([])
    await it.act((on) => on.prepareWayBack(it.input('way-back')))
    await writing.goesOn()
    wires.loseAt(STAGES[stage], side, how)
    await expect(it.act((on) => on.fenceAndDrain(it.input('cross')))).rejects.toThrow()
    expect(wires.lost).toBe(true)
    await expect(it.on('standby', 'app', `INSERT INTO orders (what) VALUES ('second')`)).rejects.toThrow()
    // by the session that has shut them out, where that still reaches its server
    if (side === 'standby') await writing.goesOn()
    else if (how === 'cut') await failureOf(takeBack(), 'DATABASE_UNREACHABLE')
    wires.whole()
    await takeBack()
    await it.act((on) => on.dropWayBack(it.input('way-back')))
    await writing.goesOn()
  } finally {
    wires.whole()
    await writing.stop()
  }
  const count = 'SELECT count(*)::int AS n FROM public.orders'
  const [written] = await it.on('source', 'postgres', count)
  expect(Number(written?.n)).toBeGreaterThanOrEqual(writing.acknowledged.size)
  await until('the standby to have all', async () => {
    const [there] = await it.on('standby', 'postgres', count)
    return there?.n === written?.n
  })
}
