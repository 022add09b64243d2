/** What is said to be lost, and whose word is enough for it. */

import { runAct } from '../../activities/act'
import { exposureOf } from '../../activities/failover/exposure'
import { allowedLoss, blocksOfOpened, inTimeOrLate } from '../../activities/failover/plan'
import { FAILOVER_DOCUMENTS } from '../../contracts/failover'
import type { MigrationPolicy } from '../../contracts/fleet'
import type { StandbyLook, StandbyRecord } from '../../contracts/standby'
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'

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

const row = (source: string, target: string, minute: number, operation: string, state: StandbyRecord['state'] = 'gone') =>
  ({ source, target, state, operation, since: `2026-11-30T10:0${minute}:00.000Z` }) as StandbyRecord
const ledgerWith = (standbys: StandbyRecord[], documents: Record<string, string>) => ({
  listStandbys: async () => standbys,
  getDocument: async ({ operation, name }: { operation: string; name: string }) =>
    documents[operation] === name ? { version: 1 } : null,
})
const { opened } = FAILOVER_DOCUMENTS
const { moved } = SWITCHOVER_DOCUMENTS
const toB = row('a', 'b', 1, 'first')
const toC = row('a', 'c', 0, 'made', 'following')

test.each<[string, StandbyRecord[], Record<string, string>, boolean]>([
  ['a failover opened another standby of it', [toB, toC], { first: opened }, true],
  ['this very failover did', [row('a', 'b', 1, 'second'), toC], { second: opened }, false],
  ['that standby was removed', [toB, toC], {}, false],
  ['that standby was made anew', [{ ...toB, state: 'following' }, toC], { first: opened }, false],
  ['a failover made it the writer again', [toB, toC, row('b', 'a', 2, 'back')], { first: opened, back: opened }, false],
  ['a switchover did', [toB, toC, row('d', 'a', 2, 'back')], { first: opened, back: moved }, false],
  ['it was the writer before that', [toB, toC, row('d', 'a', 0, 'back')], { first: opened, back: opened }, true],
  ['it only followed since, and was removed', [toB, toC, row('b', 'a', 2, 'removal')], { first: opened }, true],
])('a second standby is opened or not, by the ledger alone: %s', async (_, standbys, documents, blocked) => {
  const found = await blocksOfOpened(ledgerWith(standbys, documents), { source: 'a' }, 'second')
  expect(found.map(({ rule }) => rule)).toEqual(blocked ? ['failover:opened'] : [])
})

test('a source that takes us in and then says nothing holds a plan up for a moment only', async () => {
  const act = { signal: new AbortController().signal } as Parameters<typeof runAct>[0]
  await runAct(act, async () => {
    expect(await inTimeOrLate(new Promise(() => undefined), 1)).toBe('late')
    expect(await inTimeOrLate(Promise.resolve(null), 60_000)).toBeNull()
    await expect(inTimeOrLate(Promise.reject(new Error('no')), 60_000)).rejects.toThrow('no')
  })
})
