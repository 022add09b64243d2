/** What three manifests say together: the cases that no run of a database shows at will. */
import { judgeContent } from '../../../postgres/proof/content'
import type { Manifest } from '../../../postgres/proof/manifest'
import type { TableManifest } from '../../../postgres/proof/table-manifest'

const OLD = { oid: 1, fileNode: 1, columns: 'c', partBlocks: 1_024, newer: 0 }
const table = (parts: TableManifest['parts'], more: Partial<TableManifest> = {}): TableManifest => ({
  ...{ name: 'public.t', root: 'public.t' },
  ...OLD,
  parts,
  ...more,
})

function manifest(tables: readonly TableManifest[], more: Partial<Manifest> = {}): Manifest {
  return {
    version: 1,
    startedAt: '2026-11-29T03:00:00.000Z',
    finishedAt: '2026-11-29T03:00:01.000Z',
    systemIdentifier: '7',
    database: 'shop',
    horizon: '1000',
    nextTransaction: '1010',
    schema: { version: 1, fingerprint: 'f', objects: [] },
    touched: [],
    tables,
    unread: [],
    outside: [],
    ...more,
  }
}

const PARTS: TableManifest['parts'] = [
  [10, '5'],
  [20, '6'],
]
const judge = (before: TableManifest, after: TableManifest, copy: TableManifest) =>
  judgeContent(manifest([before]), manifest([after]), manifest([copy]))
const told = ({ findings }: { findings: readonly { rule: string }[] }) => findings.map(({ rule }) => rule)

test('a part that stood still is exact, and named by its blocks', () => {
  const proof = judge(
    table(PARTS),
    table([
      [9, '4'],
      [20, '6'],
    ]),
    table([
      [9, '4'],
      [20, '7'],
    ]),
  )
  expect(proof.findings).toEqual([
    {
      rule: 'content:rows-changed',
      message: expect.stringContaining('public.t (blocks 1024 and up)'),
      measured: 20,
      allowed: 20,
    },
  ])
  expect(proof.notProven).toEqual([{ what: 'public.t', why: expect.stringContaining('in 1 of its 2 parts') }])
  expect(proof).toMatchObject({ rowsProven: 0, tablesProven: 0 })
})

test('a part that changed still has bounds', () => {
  const changed = (rows: number) => judge(table([[10, '5']]), table([[8, '4']]), table([[rows, '0']]))
  expect([7, 8, 9, 10, 11].map((rows) => told(changed(rows)))).toEqual([
    ['content:rows-missing'],
    [],
    [],
    [],
    ['content:rows-surplus'],
  ])
})

test('a table that was rewritten is held as a whole', () => {
  const moved = table(
    [
      [25, '10'],
      [5, '1'],
    ],
    { fileNode: 2 },
  )
  expect(judge(table(PARTS), moved, table(PARTS))).toMatchObject({ findings: [], notProven: [], rowsProven: 30 })
  expect(
    told(
      judge(
        table(PARTS),
        moved,
        table([
          [10, '5'],
          [19, '6'],
        ]),
      ),
    ),
  ).toEqual(['content:rows-missing'])
})

test('sums of other columns are not compared, rows are', () => {
  const widened = (sum: string) => table([[10, sum]], { columns: 'd' })
  expect(judge(table([[10, '5']]), widened('9'), widened('8'))).toMatchObject({
    findings: [],
    rowsProven: 0,
    notProven: [{ what: 'public.t' }],
  })
  expect(told(judge(table([[10, '5']]), widened('9'), table([[9, '9']], { columns: 'd' })))).toEqual(['content:rows-missing'])
})

test('rows that are told otherwise although none was written are only counted', () => {
  const proof = judge(table([[10, '5']]), table([[10, '6']]), table([[10, '5']]))
  expect(proof).toMatchObject({
    findings: [],
    rowsProven: 0,
    notProven: [{ why: expect.stringContaining('only its rows were counted') }],
  })
})

test('a table that came or went in between, or that was left out, is named', () => {
  const proof = judgeContent(
    manifest([table(PARTS), table(PARTS, { name: 'public.gone', root: 'public.gone' })], {
      unread: [{ name: 'public.huge', why: 'no time', damaged: false }],
    }),
    manifest([table(PARTS, { oid: 2 }), table(PARTS, { name: 'public.came', root: 'public.came' })]),
    manifest([]),
  )
  expect(proof.findings).toEqual([])
  expect(proof.notProven.map(({ what }) => what)).toEqual(['public.huge', 'public.t', 'public.gone', 'public.came'])
  expect(proof.tables).toBe(3)
})

test('a table that is not in the copy is a finding; one that cannot be read is one when its pages are the reason', () => {
  const lost = (more: Partial<Manifest>) => judgeContent(manifest([table(PARTS)]), manifest([table(PARTS)]), manifest([], more))
  const unread = (damaged: boolean) => lost({ unread: [{ name: 'public.t', why: 'so', damaged }] })
  expect([lost({}), unread(true), unread(false)].map(told)).toEqual([['content:table-missing'], ['content:unreadable'], []])
  expect(unread(false).notProven).toEqual([{ what: 'public.t', why: 'Not read in the copy: so' }])
})

test('a table that was renamed around the backup may have had another name in the copy: nothing is said of it', () => {
  const lost = (name: string, touched: Manifest['touched']) => {
    const one = table(PARTS, { name, root: name })
    return judgeContent(manifest([one]), manifest([one], { touched }), manifest([]))
  }
  const renamed = lost('public.t', ['t'])
  expect(renamed).toMatchObject({ findings: [], complete: false })
  expect(renamed.notProven).toEqual([{ what: 'public.t', why: expect.stringContaining('renamed around the backup') }])
  expect([lost('public.t', null), lost('sales.t', ['sales']), lost('public."T"', ['T'])].map(told)).toEqual([[], [], []])
  expect(told(lost('public.t', ['at', 'tt', 'T', 'other']))).toEqual(['content:table-missing'])
})

test('what was written around the backup may be left out of a proof, a table that was there and not read may not', () => {
  const unread = (empty: object) => ({ unread: [{ name: 'public.t', why: 'so', damaged: false, ...empty }] })
  const none = (before: Partial<Manifest>, after: Partial<Manifest>, copy: Partial<Manifest>) => {
    const tables = (more: Partial<Manifest>) => manifest(more.unread === undefined ? [table(PARTS)] : [], more)
    return judgeContent(tables(before), tables(after), tables(copy)).complete
  }
  expect([none({}, {}, {}), none(unread({}), {}, {}), none({}, unread({}), {}), none({}, {}, unread({}))]).toEqual([
    true,
    false,
    false,
    false,
  ])
  const unlogged = unread({ empty: true })
  expect([none(unlogged, unlogged, unlogged), none({}, unlogged, unlogged)]).toEqual([true, true])
  const dropped = judgeContent(manifest([table(PARTS)]), manifest([]), manifest([]))
  expect(dropped).toMatchObject({ complete: true, tablesProven: 0, rowsProven: 0 })
})

test('a copy of another cluster is a finding, and nothing else is said of it', () => {
  const other = judgeContent(
    manifest([table(PARTS)]),
    manifest([table(PARTS)]),
    manifest([table(PARTS)], { systemIdentifier: '8' }),
  )
  expect(told(other)).toEqual(['content:cluster'])
  expect(other.rowsProven).toBe(0)
})

test('manifests of another database of the instance prove nothing, and find nothing', () => {
  const other = judgeContent(manifest([table(PARTS)]), manifest([table(PARTS)]), manifest([], { database: 'stock' }))
  expect(other).toMatchObject({
    findings: [],
    rowsProven: 0,
    notProven: [{ what: 'every table', why: expect.stringContaining('shop, shop, stock') }],
  })
})

test('too many transactions in between prove nothing', () => {
  const proof = judgeContent(manifest([table(PARTS)]), manifest([table(PARTS)], { nextTransaction: '268436456' }), manifest([]))
  expect(proof).toMatchObject({ findings: [], rowsProven: 0, notProven: [{ what: 'every table' }] })
})

test('manifests that are not of the same rows are refused', () => {
  const other = manifest([], { horizon: '999' })
  expect(() => judgeContent(manifest([]), other, manifest([]))).toThrow('different horizons')
})

test('an object of the schema that nobody touched has to be as it was; one that was touched is named by its number only', () => {
  const schema = (...objects: [string, string][]) => ({
    schema: { version: 1 as const, fingerprint: 'f', objects: objects.map(([id, digest]) => ({ id, digest })) },
  })
  const source = schema(['index public.a_idx', '1'], ['table public.b', '2'], ['table public.c', '3'])
  const proof = judgeContent(
    manifest([], source),
    manifest([], { ...source, touched: ['c'] }),
    manifest([], schema(['table public.b', '9'], ['table public.c', '9'], ['schema extra', '1'])),
  )
  expect(proof.findings.map(({ message }) => message)).toEqual([])
  const rest = judgeContent(
    manifest([], source),
    manifest([], { ...source, touched: ['orders'] }),
    manifest([], schema(['table public.b', '9'], ['table public.c', '3'])),
  )
  expect(rest.findings.map(({ message }) => message)).toEqual([
    'Schema: index public.a_idx: only on the source.',
    'Schema: table public.b: differs.',
  ])
  expect(rest.notProven).toEqual([])
})
