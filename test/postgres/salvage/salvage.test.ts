/** What an old writer has alone, held against two databases: every class, every digit, and what nothing is known of. */
import { findingsIn } from '../../../activities/salvage/salvage'
import { lineOf } from '../../../client/salvage-values'
import { connect, type Session } from '../../../postgres/connect/session'
import { type Looked, lookForSalvage } from '../../../postgres/salvage/look'
import { readSalvage } from '../../../postgres/salvage/values'
import { startTestServer, type TestDatabase, type TestServer } from '../support/server'

const BOTH = `
  CREATE TABLE money (id bigint PRIMARY KEY, amount numeric NOT NULL, note text);
  CREATE TABLE bare (n int);
  CREATE TABLE same (id int PRIMARY KEY, v int);
  CREATE TABLE shut (id int PRIMARY KEY);
  CREATE TYPE mood AS ENUM ('good');
  CREATE FUNCTION untold(mood) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RAISE 'untold'; END $$;
  CREATE CAST (mood AS json) WITH FUNCTION untold(mood);
  CREATE TABLE moods (id int PRIMARY KEY, mood mood);
  INSERT INTO money VALUES (1, 1.10, 'same'), (2, 2.50, 'changed'), (3, 3, 'gone');
  INSERT INTO same VALUES (1, 1), (2, 2);
  INSERT INTO bare VALUES (1), (1), (2), (NULL)`
const OLD = `
  DELETE FROM money WHERE id = 3;
  INSERT INTO money VALUES (9007199254740993, 12345678901234567.890, E'two\\nlines');
  INSERT INTO moods VALUES (1, 'good');
  INSERT INTO bare VALUES (1), (3), (3);
  CREATE TABLE refunds (id int PRIMARY KEY);
  ALTER TABLE same ADD COLUMN more int`
const WRITER = `
  UPDATE money SET amount = 2.75 WHERE id = 2;
  ALTER TABLE same ALTER COLUMN v TYPE bigint;
  DELETE FROM bare WHERE n = 2;
  INSERT INTO bare VALUES (4), (NULL);
  CREATE TABLE since (id int PRIMARY KEY)`

let server: TestServer
let doors: { readonly old: () => Promise<Session>; readonly writer: () => Promise<Session> }

beforeAll(async () => {
  server = await startTestServer(17)
  const [old, writer] = [await server.database(), await server.database()]
  for (const [database, own] of [[old, OLD] as const, [writer, WRITER] as const])
    await (await database.connect()).execute(`${BOTH}; ${own}`)
  // nobody may read it any more but a superuser
  const owner = await old.connectAsSuperuser()
  await owner.execute('ALTER TABLE shut OWNER TO postgres; REVOKE ALL ON shut FROM master')
  const door = (database: TestDatabase) => () => connect({ ...database.options, applicationName: 'salvaging' })
  doors = { old: door(old), writer: door(writer) }
})
afterAll(() => server?.stop())

const named = (looked: Looked, name: string) => looked.tables.find(({ table }) => table === name)

test('each row is told by its class and key, and what nothing is known of is not whole', async () => {
  const looked = await lookForSalvage(doors)
  expect(named(looked, 'public.money')).toMatchObject({ there: 1, differs: 1, gone: 1, note: null, whole: true })
  expect(named(looked, 'public.money')?.keys).toEqual({ there: [['9007199254740993']], differs: [['2']], gone: [['3']] })
  // compared otherwise is not unknown
  expect(named(looked, 'public.same')).toMatchObject({ there: 0, differs: 0, whole: true, note: expect.stringContaining('text') })
  // as often as one side has them more: 1, 2, 3 and 3, and beside them 4 and a second NULL
  expect(named(looked, 'public.bare')).toMatchObject({
    ...{ key: null, there: 4, differs: 0, gone: 2, whole: true },
    ...{ keys: { there: [], differs: [], gone: [] }, note: expect.stringContaining('whole rows') },
  })
  expect(named(looked, 'public.shut')).toMatchObject({ whole: false, note: expect.stringContaining('may not read') })
  expect(looked.apart.map(({ lackedBy, said }) => [lackedBy, said]).sort()).toEqual([
    ['old', 'the old writer has no table public.since'],
    ['writer', 'the new writer has no column more of public.same'],
    ['writer', 'the new writer has no table public.refunds'],
  ])
})

async function read() {
  const lines: string[] = []
  const told = await readSalvage(doors, async (row) => void lines.push(lineOf(row)))
  return { ...told, lines }
}

test('values keep every digit that PostgreSQL has, one row a line', async () => {
  const { rows, lines: all } = await read()
  expect(rows).toBe(6)
  expect(all.join('').split('\n')).toHaveLength(7)
  const lines = all.filter((line) => line.includes('public.money'))
  expect(lines[0]).toContain('"old":{"id": 9007199254740993, ')
  expect(lines[0]).toContain('"amount": 12345678901234567.890')
  expect(lines[0]).toMatch(/"writer":null\}\n$/)
  expect(lines[1]).toContain('"amount": 2.50')
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { table: 'public.money', class: 'there', key: { id: '9007199254740993' } },
    { class: 'differs', key: { id: '2' }, writer: { amount: 2.75 } },
  ])
})

test('of a table without a key each row is written as often as the old writer has it more', async () => {
  const { lines } = await read()
  const bare = lines.map((line) => JSON.parse(line)).filter(({ table }) => table === 'public.bare')
  expect(bare.map(({ old }) => old.n).sort()).toEqual([1, 2, 3, 3])
  for (const one of bare) expect(one).toMatchObject({ class: 'there', key: {}, writer: null })
})

test('what values do not have is told: tables that nothing is known of or whose rows could not be read, and what the new writer lacks', async () => {
  const { left } = await read()
  expect(left).toEqual([
    expect.stringMatching(/^public.moods: PostgreSQL refused .*P0001/),
    expect.stringContaining('public.shut: '),
    'the new writer has no table public.refunds',
    'the new writer has no column more of public.same',
  ])
})

test('a verdict passes only where nothing is left: a merge settles the missing rows of its tables, and nothing else', async () => {
  const looked = await lookForSalvage(doors)
  const rules = (of: readonly { rule: string; message: string }[]) =>
    of.map(({ rule, message }) => `${rule} ${/public\.\w+/.exec(message)?.[0]}`)
  const unsettled = [
    'salvage:differs public.money',
    'salvage:unknown public.shut',
    'salvage:apart public.refunds',
    'salvage:apart public.same',
  ]
  const { findings, left } = findingsIn(looked, ['money', 'public.moods'])
  expect(rules(left)).toEqual(['salvage:there public.bare', ...unsettled])
  expect(rules(findings)).toEqual([
    ...['salvage:there public.bare', 'salvage:there public.money', 'salvage:differs public.money', 'salvage:there public.moods'],
    ...unsettled.slice(1),
  ])
  expect(rules(findingsIn(looked, []).left)).toEqual(rules(findings))
})
