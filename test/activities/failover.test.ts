/** What is said to be lost, and whose word is enough for it. */
import { exposureOf } from '../../activities/failover/exposure'
import { allowedLoss } from '../../activities/failover/plan'
import type { MigrationPolicy } from '../../contracts/fleet'
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
  // its clock is ahead of ours
  expect(exposureOf(beat, { look: null }, '2026-11-30T10:00:02.000Z')).toEqual({
    beat,
    lossMsMax: 0,
    heard: null,
    missingBytesMin: null,
  })
})

test('without a beat nobody knows, and a beat after the last look lacks nothing that is known', () => {
  expect(exposureOf(null, { look }, heard.at)).toEqual({ beat: null, lossMsMax: null, heard, missingBytesMin: null })
  const later = { at: '2026-11-30T10:00:06.000Z', lsn: '0/3000' }
  expect(exposureOf(later, { look }, heard.at)).toMatchObject({ missingBytesMin: 0 })
})
