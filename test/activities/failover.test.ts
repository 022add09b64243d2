/** What is said to be lost, and whose word is enough for it. */

import { runAct } from '../../activities/act'
import { exposureOf } from '../../activities/failover/exposure'
import { refuseOldWriter } from '../../activities/failover/fence-inside'
import { inTimeOrLate } from '../../activities/failover/mark'
import { allowedLoss, askedWhy } from '../../activities/failover/plan'
import type { Place } from '../../activities/replication/sides'
import type { MigrationPolicy } from '../../contracts/fleet'
import type { OperationId } from '../../contracts/operation'
import type { StandbyLook } from '../../contracts/standby'

const of = (approval: 'none' | 'required', allowLossMs?: number) => {
  const failover = allowLossMs === undefined ? {} : { failover: { allowLossMs } }
  return { policy: { approval, ...failover } as MigrationPolicy }
}

test.each<[string, Parameters<typeof allowedLoss>, number | null]>([
  ['nobody has said anything', [of('none'), of('none'), null], null],
  ['the requester, who may act alone', [of('none'), of('none'), 30_000], 30_000],
  ['the requester, where the source asks for an approval', [of('required'), of('none'), 30_000], null],
  ['the requester, where the standby does', [of('none'), of('required'), 30_000], null],
  ['the fleet file, whatever the policy says', [of('required', 5_000), of('required'), 30_000], 5_000],
  ['both: the larger one', [of('none', 5_000), of('none'), 30_000], 30_000],
  ['none at all is a word, too', [of('required', 0), of('none'), null], 0],
  ['the standby’s entry says nothing of its source', [of('required'), of('required', 60_000), null], null],
])('%s', (_who, asked, allowed) => {
  expect(allowedLoss(...asked)).toBe(allowed)
})

type AskedWhy = Parameters<typeof askedWhy>
const skew = { at: '2026-11-30T10:00:00.000Z', aheadMs: 0, withinMs: 1 }
/** Of a source that is dead, of which 4 s may be lost; `allowed` beforehand. */
const why = (
  allowed: number | null,
  more: Partial<{ verdict: 'healthy' | 'ill'; silent: true; unfenced: string; loss: null }> = {},
) => {
  const { verdict = 'dead', silent, unfenced = null, loss = 4_000 } = more
  const question: AskedWhy[1] = { probed: { verdict }, endpoint: silent ? { silent } : {} }
  return askedWhy({ unfenced }, question, { lossMsMax: loss, skew, allowedLossMs: allowed, leftBehind: null })
}

test('what was allowed beforehand is enough up to exactly that, and for nothing else than a loss', () => {
  expect(why(4_000)).toBeNull()
  expect(why(60_000)).toBeNull()
  expect(why(3_999)).not.toBeNull()
  expect(why(1_000)).toBe('up to 4.0 s of writes may be lost, and 1.0 s were allowed beforehand')
  expect(why(0)).toContain('0.0 s were allowed')
  expect(why(null)).toBe('up to 4.0 s of writes may be lost, and no loss was allowed beforehand')
  const hour = 3_600_000
  expect(why(hour, { loss: null })).toBe('nobody knows what may be lost')
  const unseen = { lossMsMax: 4_000, allowedLossMs: hour, leftBehind: null }
  expect(askedWhy({ unfenced: null }, { probed: { verdict: 'dead' }, endpoint: {} }, unseen)).toContain('nobody has seen how far')
  // asked twice: by who asks, with a reason, and by somebody else
  for (const verdict of ['healthy', 'ill'] as const) expect(why(hour, { verdict })).toBe('the source is not proven dead')
  expect(why(hour, { silent: true })).toContain('endpoint')
  expect(why(hour, { unfenced: 'its routes are withdrawn' })).toContain('cannot be proven fenced')
})

const heard = { at: '2026-11-30T10:00:05.000Z', flushed: '0/2000' }
const look = { heard } as StandbyLook

test('what may be lost is reckoned from the last beat to the moment at which the source was declared dead', () => {
  const beat = { at: '2026-11-30T10:00:03.000Z', lsn: '0/1800' }
  expect(exposureOf(beat, { look }, '2026-11-30T10:00:20.000Z')).toEqual({
    beat,
    lossMsMax: 17_000,
    heard,
    missingBytesMin: 0x800,
  })
})

test('a source whose clock is ahead is never said to have lost nothing by that alone, and one whose clock is behind no less than by both clocks', () => {
  const beat = { at: '2026-11-30T10:00:03.000Z', lsn: '0/1800' }
  const by = (aheadMs: number, until = '2026-11-30T10:00:02.000Z') =>
    exposureOf(beat, { look: { ...look, skew: { at: heard.at, aheadMs, withinMs: 40 } } }, until)
  // five seconds ahead: the beat was at 9:59:58 by ours
  expect(by(5_000)).toMatchObject({ lossMsMax: 4_040, skew: { aheadMs: 5_000 } })
  // set forward since anybody looked
  expect(by(0).lossMsMax).toBeNull()
  expect(exposureOf(beat, { look: null }, '2026-11-30T10:00:02.000Z').lossMsMax).toBeNull()
  expect(by(-5_000, '2026-11-30T10:00:20.000Z').lossMsMax).toBe(17_000)
})

test('without a beat nobody knows, and a beat after the last look lacks nothing that is known', () => {
  expect(exposureOf(null, { look }, heard.at)).toEqual({ beat: null, lossMsMax: null, heard, missingBytesMin: null })
  const later = { at: '2026-11-30T10:00:06.000Z', lsn: '0/3000' }
  expect(exposureOf(later, { look }, heard.at)).toMatchObject({ missingBytesMin: 0 })
})

test('a source that bears a mark is not closed, whichever operation marked it', () => {
  const place = { entry: { name: 'a' } } as Place
  const marked = (operation: string) => () => refuseOldWriter(place, { operation, writer: 'b' }, 'second' as OperationId)
  expect(() => refuseOldWriter(place, null, 'second' as OperationId)).not.toThrow()
  expect(marked('second')).toThrow(expect.objectContaining({ code: 'RESOURCE_NOT_OURS' }))
  expect(marked('first')).toThrow(/first has moved writing from a to b/)
})

test('a source that takes us in and then says nothing holds a plan up for a moment only', async () => {
  const act = { signal: new AbortController().signal } as Parameters<typeof runAct>[0]
  await runAct(act, async () => {
    const cut: boolean[] = []
    const asking = <T>(answer: Promise<T>, limitMs: number) =>
      inTimeOrLate((late) => {
        late.addEventListener('abort', () => cut.push(true))
        return answer
      }, limitMs)
    expect(await asking(Promise.resolve(null), 60_000)).toBeNull()
    expect(cut).toEqual([])
    expect(await asking(new Promise(() => undefined), 1)).toBe('late')
    expect(cut).toEqual([true])
    await expect(asking(Promise.reject(new Error('no')), 60_000)).rejects.toThrow('no')
  })
})
