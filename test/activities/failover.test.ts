/** What is said to be lost, and whose word is enough for it. */

import { runAct } from '../../activities/act'
import { exposureOf } from '../../activities/failover/exposure'
import { refuseOldWriter } from '../../activities/failover/fence-inside'
import { givenUpBefore } from '../../activities/failover/given-up'
import { inTimeOrLate } from '../../activities/failover/mark'
import { allowedLoss, askedWhy } from '../../activities/failover/plan'
import { writerElsewhere } from '../../activities/failover/writer-elsewhere'
import type { Place } from '../../activities/replication/sides'
import { EXCHANGE_DOCUMENTS } from '../../contracts/exchange'
import { FAILOVER_DOCUMENTS } from '../../contracts/failover'
import type { DatabaseEntry, MigrationPolicy } from '../../contracts/fleet'
import type { OperationDocument, OperationId } from '../../contracts/operation'
import type { StandbyLook } from '../../contracts/standby'
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import type { DocumentRef } from '../../ledger/documents'
import type { OperationsQuery } from '../../ledger/operations'

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

const asked = (id: string, kind: string, databases: string[], minute: number) =>
  ({
    id,
    kind,
    databases,
    startedAt: `2026-11-30T10:${String(minute).padStart(2, '0')}:00.000Z`,
    steps: [],
    status: 'succeeded',
  }) as unknown as OperationDocument
/** Newest first, as the ledger has them. `documents`: by operation and name; `actions`: of each that is about a standby. */
const ledgerWith = (operations: OperationDocument[], documents: Record<string, object>, actions: Record<string, object> = {}) =>
  ({
    listOperations: async ({ database, kind, since = '' }: OperationsQuery) =>
      operations.filter((one) => one.kind === kind && one.databases.includes(database ?? '') && one.startedAt >= since),
    getDocument: async ({ operation, name }: DocumentRef) => documents[`${operation} ${name}`] ?? null,
    getOrigin: async (id: string) => ({ bundle: id }),
    getBundle: async (id: string) => ({ replicate: { table: null, ...actions[id] } }),
  }) as unknown as Parameters<typeof givenUpBefore>[0]

const { opened } = FAILOVER_DOCUMENTS
const { plan: exchangePlan, proven } = EXCHANGE_DOCUMENTS
const byCloud = asked('cloud', 'exchange', ['a', 'b'], 10)
const tookOver = { [`cloud ${opened}`]: {}, [`cloud ${exchangePlan}`]: { source: { instanceId: 'a-1' } } }
const exchangedBack = asked('back', 'exchange', ['b', 'a'], 20)
const wrote = { [`back ${proven}`]: { writer: 'standby' } }
const { moved } = SWITCHOVER_DOCUMENTS
const toB = asked('first', 'failover', ['a', 'b'], 10)
const gaveUp = { [`first ${opened}`]: {}, [`first ${FAILOVER_DOCUMENTS.plan}`]: { source: { instanceId: 'a-1' } } }
const back = { ...gaveUp, [`back ${opened}`]: {}, [`back ${moved}`]: {} }
const seeding = (minute: number, source = 'a') => asked('seeding', 'replicate', [source, source === 'a' ? 'c' : 'a'], minute)
const setUp = { seeding: { action: 'set-up' } }

test.each<[string, ReturnType<typeof ledgerWith>, boolean]>([
  ['a failover opened another standby of it', ledgerWith([toB], gaveUp), true],
  ['this very failover did', ledgerWith([asked('second', 'failover', ['a', 'b'], 10)], { [`second ${opened}`]: {} }), false],
  ['it was taken back before', ledgerWith([toB], {}), false],
  [
    'a switchover back was begun since, came to nothing, and made the row of the pair its own',
    ledgerWith([asked('back', 'switchover', ['b', 'a'], 20), toB], gaveUp),
    true,
  ],
  ['a failover made it the writer again', ledgerWith([asked('back', 'failover', ['b', 'a'], 20), toB], back), false],
  ['a switchover did', ledgerWith([asked('back', 'switchover', ['d', 'a'], 20), toB], back), false],
  ['a switchover moved writing away from it', ledgerWith([asked('back', 'switchover', ['a', 'd'], 20), toB], back), true],
  ['it was the writer before that', ledgerWith([toB, asked('back', 'failover', ['d', 'a'], 5)], back), true],
  ['a standby was made from it since', ledgerWith([seeding(20), toB], gaveUp, setUp), false],
  ['one was seeded anew from it', ledgerWith([seeding(20), toB], gaveUp, { seeding: { action: 'reseed' } }), false],
  ['a table was', ledgerWith([seeding(20), toB], gaveUp, { seeding: { action: 'reseed', table: 'public.t' } }), true],
  ['one was removed', ledgerWith([seeding(20), toB], gaveUp, { seeding: { action: 'remove' } }), true],
  ['one was made from it before', ledgerWith([toB, seeding(5)], gaveUp, setUp), true],
  ['it was made a standby itself', ledgerWith([seeding(20, 'b'), toB], gaveUp, setUp), true],
  ['its cloud made a replica of it the writer', ledgerWith([byCloud], tookOver), true],
  ['and that came to nothing', ledgerWith([byCloud], { ...tookOver, [`cloud ${proven}`]: { writer: 'none' } }), false],
  ['it exchanged both back since', ledgerWith([exchangedBack, byCloud], { ...tookOver, ...wrote }), false],
  [
    'and it came to nothing',
    ledgerWith([exchangedBack, byCloud], { ...tookOver, [`back ${proven}`]: { writer: 'source' } }),
    true,
  ],
  ['its cloud made it the writer again', ledgerWith([exchangedBack, toB], { ...gaveUp, ...wrote }), false],
])('a second standby is opened or not, by the ledger alone: %s', async (_, ledger, blocked) => {
  const source = { name: 'a', instanceId: 'a-1' }
  const found = await givenUpBefore(ledger, { source, operation: 'second', beatAt: '2026-11-30T10:09:59.000Z' })
  expect(found.blocks.map(({ rule }) => rule)).toEqual(blocked ? ['failover:opened'] : [])
  expect(found.asks).toBeNull()
})

test('whichever way one more is made a writer, the fence and the records of standbys say who writes instead', async () => {
  const held = { instanceId: 'a-1', state: 'fenced', operation: 'first', bundle: 'first' }
  const ledger = (documents: Record<string, object>, standbys: object[] = []) =>
    ({
      ...ledgerWith([], documents),
      getFence: async () => held,
      listStandbys: async () => standbys,
      getBundle: async () => ({ exchange: { standby: { name: 'b' } } }),
    }) as unknown as Parameters<typeof writerElsewhere>[0]
  const at = { instance: 'a', instanceId: 'a-1' }
  const source = { name: 'a' } as DatabaseEntry
  const rules = async (of: ReturnType<typeof ledger>, operation = 'second') =>
    (await writerElsewhere(of, { source, at, operation, beatAt: null })).blocks.map(({ rule }) => rule)
  const wasOpened = { [`first ${opened}`]: {} }
  expect(await rules(ledger(wasOpened))).toEqual(['failover:opened'])
  expect(await rules(ledger(wasOpened), 'first')).toEqual([])
  // by its cloud, which made nobody the writer
  expect(await rules(ledger({ ...wasOpened, [`first ${proven}`]: { writer: 'none' } }))).toEqual([])
  expect(await rules(ledger({}, [{ target: 'a', source: 'c', state: 'following' }]))).toEqual(['failover:follows'])
})

test('of a source that was given up and is written to since by replication a person decides, and another instance was never given up', async () => {
  const ledger = ledgerWith([toB], gaveUp)
  const asks = { operation: 'second', beatAt: '2026-11-30T10:20:00.000Z' }
  const since = await givenUpBefore(ledger, { source: { name: 'a', instanceId: 'a-1' }, ...asks })
  expect(since).toMatchObject({ blocks: [], warnings: [{ rule: 'failover:opened' }], asks: expect.stringContaining('first') })
  const another = await givenUpBefore(ledger, { source: { name: 'a', instanceId: 'a-2' }, ...asks, beatAt: null })
  expect(another).toEqual({ blocks: [], warnings: [], asks: null })
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
