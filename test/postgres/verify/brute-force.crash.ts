/** On random tables with random differences the comparison says what a look at every row says, between PostgreSQL 15 and 17. */
import fc from 'fast-check'
import { connect, type Session } from '../../../postgres/connect/session'
import { compareDatabases } from '../../../postgres/verify/compare'
import { startTestServer, type TestDatabase, type TestServer } from '../support/server'
import { bruteForce } from './brute-force'
import { literal, TYPE_NAMES, TYPES_SQL } from './values'

let servers: TestServer[]
let databases: TestDatabase[]
let source: Session
let target: Session
beforeAll(async () => {
  servers = await Promise.all([startTestServer(15), startTestServer(17)])
  databases = await Promise.all(servers.map((server) => server.database()))
  const sessions = await Promise.all(databases.map((database) => database.connect()))
  for (const session of sessions) await session.execute(TYPES_SQL)
  const [one, other] = sessions
  if (one === undefined || other === undefined) throw new Error('two databases were made')
  source = one
  target = other
})
afterAll(() => Promise.all((servers ?? []).map((server) => server.stop())))

async function compare() {
  const [one, other] = databases.map(
    ({ options }) =>
      () =>
        connect(options),
  )
  if (one === undefined || other === undefined) throw new Error('two databases were made')
  return compareDatabases({ source: one, target: other, mode: 'static', jobs: 2 })
}

/** How a row's key is made from its number. Those of texts have no order in common: the libraries of the two servers need not be one. */
const KEYS: Readonly<Record<string, { readonly columns: readonly string[]; readonly sql: string; values(n: number): string }>> = {
  none: { columns: [], sql: '', values: () => '' },
  bigint: { columns: ['id'], sql: 'id bigint PRIMARY KEY', values: (n) => `${n * 4_294_967_296}` },
  text: { columns: ['id'], sql: 'id text PRIMARY KEY', values: (n) => `'k${(n * 7) % 1000}-${n}'` },
  'C text': { columns: ['id'], sql: 'id text COLLATE "C" PRIMARY KEY', values: (n) => `'Ä${n}'` },
  numeric: { columns: ['id'], sql: 'id numeric PRIMARY KEY', values: (n) => `${n}.${n % 2 === 0 ? '5' : '50'}` },
  uuid: { columns: ['id'], sql: 'id uuid NOT NULL UNIQUE', values: (n) => `md5('${n}')::uuid` },
  'enum and time': {
    columns: ['m', 'at'],
    sql: 'm mood, at timestamptz, PRIMARY KEY (at, m)',
    values: (n) => `'${['sad', 'ok', 'happy'][n % 3]}', '2024-01-01'::timestamptz + ${Math.floor(n / 2)} * interval '1 us'`,
  },
}

const choice = fc.nat({ max: 20 })
const tableArb = fc.record({
  key: fc.constantFrom(...Object.keys(KEYS)),
  types: fc.array(fc.constantFrom(...TYPE_NAMES), { minLength: 1, maxLength: 6 }),
  rows: fc.array(fc.array(choice, { minLength: 6, maxLength: 6 }), { maxLength: 25 }),
  turned: fc.boolean(),
  edits: fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('delete' as const), row: fc.nat(30) }),
      fc.record({ kind: fc.constant('insert' as const), values: fc.array(choice, { minLength: 6, maxLength: 6 }) }),
      fc.record({ kind: fc.constant('update' as const), row: fc.nat(30), column: fc.nat(5), value: choice }),
      fc.record({ kind: fc.constant('swap' as const), row: fc.nat(30), column: fc.nat(5) }),
    ),
    { maxLength: 3 },
  ),
})
type Spec = typeof tableArb extends fc.Arbitrary<infer T> ? T : never
type Rows = { readonly n: number; readonly values: readonly number[] }[]

function edited(spec: Spec): Rows {
  let rows: Rows = spec.rows.map((values, n) => ({ n, values }))
  for (const [at, edit] of spec.edits.entries()) {
    if (edit.kind === 'insert') rows.push({ n: 500 + at, values: edit.values })
    else if (edit.kind === 'delete') rows = rows.filter((_, row) => row !== edit.row)
    else {
      const column = edit.column % spec.types.length
      const [one, other] = [rows[edit.row], rows[edit.row + 1]]
      const set = (row: Rows[number] | undefined, value: number) => {
        if (row !== undefined) rows[rows.indexOf(row)] = { n: row.n, values: row.values.with(column, value) }
      }
      if (edit.kind === 'update') set(one, edit.value)
      else if (one !== undefined && other !== undefined) {
        set(one, other.values[column] ?? 0)
        set(other, one.values[column] ?? 0)
      }
    }
  }
  return rows
}

async function make(session: Session, name: string, spec: Spec, rows: Rows, turned: boolean): Promise<void> {
  const key = KEYS[spec.key] ?? { columns: [], sql: '', values: () => '' }
  const columns = spec.types.map((type, at) => `c${at} ${type}`)
  const inOrder = turned ? ['gone int', ...columns.toReversed()] : columns
  const parts = [...inOrder, ...(key.sql === '' ? [] : [key.sql])]
  await session.execute(`CREATE TABLE ${name} (${parts.join(', ')})`)
  if (turned) await session.execute(`ALTER TABLE ${name} DROP COLUMN gone`)
  if (rows.length === 0) return
  const names = [...key.columns, ...spec.types.map((_, at) => `c${at}`)]
  const texts = rows.map(({ n, values }) => {
    const literals = spec.types.map((type, at) => literal(type, values[at] ?? 0))
    return `(${[...(key.columns.length === 0 ? [] : [key.values(n)]), ...literals].join(', ')})`
  })
  await session.execute(`INSERT INTO ${name} (${names.join(', ')}) VALUES ${texts.join(', ')}`)
}

test('it finds exactly the rows that a look at every row finds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(tableArb, { minLength: 6, maxLength: 6 }), async (specs) => {
      const expected: Record<string, object> = {}
      for (const [at, spec] of specs.entries()) {
        const name = `t${at}`
        await make(
          source,
          name,
          spec,
          spec.rows.map((values, n) => ({ n, values })),
          false,
        )
        await make(target, name, spec, edited(spec), spec.turned)
        const columns = [...(KEYS[spec.key]?.columns ?? []), ...spec.types.map((_, column) => `c${column}`)]
        expected[`public.${name}`] = await bruteForce(source, target, name, columns, KEYS[spec.key]?.columns ?? [])
      }
      const { tables, structure } = await compare()
      for (const session of [source, target]) await session.execute(specs.map((_, at) => `DROP TABLE t${at}`).join(';'))
      const found = tables.map(({ table, differences: { exact, ...rest } }) => [table, exact ? rest : 'not compared'])
      expect(structure).toEqual([])
      expect(Object.fromEntries(found)).toEqual(expected)
      for (const { verdict, differences: d } of tables)
        expect(verdict).toBe(d.onlyInSource + d.onlyInTarget + d.changed === 0 ? 'equal' : 'different')
    }),
    { numRuns: 30 },
  )
})

test.each(TYPE_NAMES)('no value of %s is taken for another', async (type) => {
  const values = await source.query<{ text: string | null }>(
    `SELECT DISTINCT ROW(v)::text AS text FROM (VALUES ${Array.from({ length: 12 }, (_, at) => `(${literal(type, at)})`).join(', ')}) AS t (v)`,
  )
  for (const session of [source, target]) {
    await session.execute(`CREATE TABLE v (n int PRIMARY KEY, v ${type}); INSERT INTO v SELECT 0, NULL`)
    for (let at = 0; at < 12; at += 1)
      await session.execute(`INSERT INTO v SELECT ${at + 1}, ${session === source ? literal(type, at) : literal(type, at + 1)}`)
  }
  const expected = await bruteForce(source, target, 'v', ['n', 'v'], ['n'])
  const { tables } = await compare()
  for (const session of [source, target]) await session.execute('DROP TABLE v')
  expect(tables[0]?.differences).toEqual({ ...expected, exact: true })
  expect(expected.changed > 0).toBe(values.length > 1)
})
