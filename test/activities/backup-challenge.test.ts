import { drawnTables, judgeContentChallenge } from '../../activities/backup/challenge-content'
import { judgeChallenge } from '../../activities/backup/challenge-reached'
import { whyNotBetween } from '../../activities/backup/content'
import { judgeContent } from '../../postgres/proof/content'
import type { Manifest } from '../../postgres/proof/manifest'
import type { TableManifest } from '../../postgres/proof/table-manifest'

const table = (oid: number, rows: number, sum = '5'): TableManifest => ({
  ...{ name: `public.t${oid}`, root: `public.t${oid}`, oid, fileNode: oid, columns: 'c', partBlocks: 1_024, newer: 0 },
  parts: [[rows, sum]],
})
const manifest = (tables: readonly TableManifest[], more: Partial<Manifest> = {}): Manifest => ({
  ...{ version: 1, startedAt: '2026-11-29T03:00:00.250Z', finishedAt: '2026-11-29T03:00:01.250Z' },
  ...{ systemIdentifier: '7', database: 'shop', horizon: '1000', nextTransaction: '1010', touched: [], unread: [], outside: [] },
  ...{ schema: { version: 1, fingerprint: 'f', objects: [] } },
  tables,
  ...more,
})

test('only tables that are proven to their last row are damaged, each in its turn', () => {
  const before = manifest([table(1, 10), table(2, 0), table(3, 10), table(4, 10), table(5, 2_000_000)])
  const after = manifest([table(1, 10), table(2, 0), table(3, 9), table(4, 10), table(5, 2_000_000)])
  const first = (operation: string) => drawnTables({ before, after }, operation)[0]?.oid
  const drawn = Array.from({ length: 50 }, (_, n) => first(`verify-${n}`))
  expect([...new Set(drawn)].sort()).toEqual([1, 4])
  expect(first('verify-1')).toBe(first('verify-1'))
})

test('without a small table the smallest is taken', () => {
  const both = manifest([table(1, 3_000_000), table(2, 2_000_000)])
  expect(drawnTables({ before: both, after: both }, 'verify').map(({ oid }) => oid)).toEqual([2])
})

test('a small partition of a large table is as large as all of it, which is read again', () => {
  const leaf = (oid: number, rows: number): TableManifest => ({ ...table(oid, rows), root: 'public.events' })
  const both = manifest([leaf(1, 10), leaf(2, 2_000_000), table(3, 900_000)])
  expect(drawnTables({ before: both, after: both }, 'verify').map(({ oid }) => oid)).toEqual([3])
})

const about = { name: 'public.t1' }
test('a proof that says nothing of a row that is gone is blind', () => {
  const says = (rule: string, of = 'public.t1') => [{ rule, message: `Table ${of}: rows are missing.` }]
  const judged = (findings: { rule: string; message: string }[], why: string | null = null) => {
    const notProven = why === null ? [] : [{ what: 'public.t1', why }]
    return judgeContentChallenge({ findings, notProven, complete: why === null }, about, 'a row deleted').outcome
  }
  expect(judged(says('content:rows-missing'))).toBe('noticed')
  expect(judged([])).toBe('missed')
  expect(judged(says('content:rows-missing', 'public.other'))).toBe('missed')
  expect(judged(says('content:schema'))).toBe('missed')
  expect(judged([], 'Not read in the copy')).toBe('not-made')
})

test('rows that were written since excuse no proof for what it does not notice', () => {
  const [expected, lacking] = [manifest([table(1, 10)]), manifest([table(1, 9)])]
  const newer = ({ tables, ...more }: Manifest): Manifest => ({ ...more, tables: tables.map((one) => ({ ...one, newer: 3 })) })
  const judged = (copy: Manifest) =>
    judgeContentChallenge(judgeContent(expected, newer(expected), copy), about, 'a row deleted').outcome
  expect(judged(newer(lacking))).toBe('noticed')
  expect(judged(newer(expected))).toBe('missed')
  const why = 'It is locked.'
  expect(judged(manifest([], { unread: [{ name: about.name, why, damaged: false }] }))).toBe('not-made')
})

const beat = (id: number) => ({
  ...{ id, operation: 'verify', label: 'before', before: '2026-11-29T03:00:00.000Z' },
  ...{ after: '2026-11-29T03:00:00.010Z', lsn: '0/1' },
})
test('both heartbeats have to be told', () => {
  const chosen = { missing: beat(1), tooLate: beat(2) }
  const missing = { rule: 'target:beat-missing', message: 'Heartbeat 1 (before) was committed' }
  const late = { rule: 'target:beat-too-late', message: 'Heartbeat 2 (after) was begun' }
  expect(judgeChallenge({ findings: [missing, late] }, chosen).outcome).toBe('noticed')
  expect(judgeChallenge({ findings: [missing] }, chosen).outcome).toBe('missed')
  expect(judgeChallenge({ findings: [late] }, chosen).outcome).toBe('missed')
  const another = { ...missing, message: 'Heartbeat 11 (before) was committed' }
  expect(judgeChallenge({ findings: [another, late] }, chosen).outcome).toBe('missed')
})

test('a moment is held only against readings that it lies between', () => {
  const [before, after] = [manifest([]), manifest([], { startedAt: '2026-11-29T04:00:00.000Z' })]
  const own = { before: 'verify', after: 'verify' }
  const why = (at: string, of = own, read = { before, after }) => whyNotBetween(of, at, read)
  expect(why('2026-11-29T03:00:02.000Z')).toBeNull()
  expect(why('2026-11-29T04:00:00.000Z')).toBeNull()
  expect(why('2026-11-29T03:00:01.250Z')).toContain('too late')
  expect(why('2026-11-29T04:00:01.000Z')).toContain('too early')
  const unknown = { before: manifest([], { systemIdentifier: null }), after }
  expect(why('2026-11-29T03:30:00.000Z', own, unknown)).toBeNull()
  expect(why('2026-11-29T03:30:00.000Z', { before: 'snap', after: 'verify' }, unknown)).toContain('which cluster')
})
