/** Schedules while Temporal's server is away: what was due meanwhile is made up for within the catch-up window, and once. */
import { specOf } from '../../client/schedules/timing'
import type { ScheduleTiming } from '../../contracts/schedule'
import { scheduling } from './scheduling'

const it = scheduling({ kept: true })
const handleOf = (database: string) => it.temporal.client.schedule.getHandle(`schedule/snapshot/${database}`)
const SECOND = 1_000

/** Temporal's word on it, asked again where a server that has just come back lets a question time out. */
async function described(database: string) {
  for (let again = 5; ; again -= 1) {
    try {
      return await handleOf(database).describe()
    } catch (error) {
      if (again === 0) throw error
    }
  }
}

/** An interval by which it is due in about so long, and then not again for ten minutes. */
function dueIn(database: string, leadMs: number): ScheduleTiming {
  for (let everyMs = 600 * SECOND; everyMs < 86_400 * SECOND; everyMs += SECOND) {
    const { intervals = [] } = specOf({ by: 'interval', everyMs }, { id: `schedule/snapshot/${database}`, jitterMs: 0 })
    const leftMs = everyMs - ((Date.now() - Number(intervals[0]?.offset)) % everyMs)
    if (Math.abs(leftMs - leadMs) <= 2 * SECOND) return { by: 'interval', everyMs }
  }
  throw new Error('no interval fits')
}

/** When Temporal says that both are due. A machine that is too slow to add them before that is given longer. */
async function dueSoon(windowMs: number): Promise<{ first: number; last: number }> {
  for (let leadMs = 20 * SECOND; ; leadMs *= 2) {
    await it.add('quick', dueIn('quick', leadMs))
    await it.add('other', dueIn('other', leadMs), { catchUpMs: windowMs })
    const dues = await Promise.all(
      ['quick', 'other'].map(async (name) => (await described(name)).info.nextActionTimes[0]?.getTime()),
    )
    const [first = 0, last = 0] = dues.map(Number).sort((a, b) => a - b)
    if (first > Date.now() + 8 * SECOND && last < Date.now() + 2 * leadMs) return { first, last }
  }
}

test('a run that fell due while Temporal was away is made up for within the window, of several one, and a pause outlasts it', async () => {
  await it.withWorker(async () => {
    await it.add('waits', { by: 'interval', everyMs: SECOND })
    await it.cli(['schedule', 'pause', 'snapshot', 'waits', '--note', 'until Friday'])
    const pausedAfter = (await it.runs('waits')).map(({ operation }) => operation)
    await it.add('fails', { by: 'interval', everyMs: 10 * SECOND })

    const windowMs = 10 * SECOND // the shortest that Temporal takes
    const { first, last } = await dueSoon(windowMs)
    const before = { quick: await it.runs('quick'), other: await it.runs('other'), info: (await described('quick')).info }
    const { gone, back } = await it.restartTemporal(last + windowMs + 5 * SECOND)
    expect(gone).toBeLessThan(first)

    await it.until('the run made up for', async () => (await it.runs('quick')).length > before.quick.length)
    expect(await it.runs('quick')).toHaveLength(before.quick.length + 1)
    const madeUp = (await described('quick')).info
    expect(madeUp).toMatchObject({ numActionsTaken: before.info.numActionsTaken + 1, numActionsMissedCatchupWindow: 0 })

    await it.until('the miss', async () => (await described('other')).info.numActionsMissedCatchupWindow > 0)
    expect(await it.runs('other')).toEqual(before.other)
    const page = await it.cli(['schedule', 'list', '--database', 'other'])
    expect(page.out).toContain('1 run missed, because Temporal was away for longer than the catch-up window')

    await it.until('the next run by the clock', async () => {
      const { recentActions } = (await described('fails')).info
      return recentActions.some(({ scheduledAt }) => scheduledAt.getTime() > back)
    })
    const { recentActions } = (await described('fails')).info
    const madeUpFor = recentActions.filter(({ scheduledAt, takenAt }) => scheduledAt.getTime() < back && takenAt.getTime() > back)
    expect(madeUpFor).toHaveLength(1)

    const { state } = await described('waits')
    expect(state).toMatchObject({ paused: true, note: 'ada: until Friday' })
    expect((await it.runs('waits')).map(({ operation }) => operation)).toEqual(pausedAfter)
  })
}, 420_000)
