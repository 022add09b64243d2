/** `capstan verify diff` as it is typed. What it finds is tested in test/postgres/verify. */
import { query, startTestServer, type TestServer } from '../ledger/postgres-server'
import { capstan } from './recorded-io'

let server: TestServer
let source: string
let target: string
beforeAll(async () => {
  server = await startTestServer()
  source = await server.freshDatabase()
  target = await server.freshDatabase()
  for (const url of [source, target]) {
    await query(
      url,
      `CREATE TABLE users (id int PRIMARY KEY, name text, note text); INSERT INTO users SELECT g, 'Ada', 'n' FROM generate_series(1, 50) g;
       CREATE TABLE empty (id int PRIMARY KEY); CREATE SEQUENCE s`,
    )
  }
})
afterAll(() => server?.stop())

const diff = (...more: string[]) => capstan(['verify', 'diff', source, target, ...more])

test('two databases that are the same are exit 0, and what was not compared is said', async () => {
  const { exit, out, err } = await diff()
  expect({ exit, err }).toEqual({ exit: 0, err: '' })
  expect(out.split('\n').slice(1)).toEqual([
    '✔ equal: 2 tables compared, 50 rows',
    '  ✔ public.empty: equal, 0 rows',
    '  ✔ public.users: equal, 50 rows',
    '  Not rows of tables, and not compared: sequences.',
    '',
  ])
})

test('rows that differ are exit 1, with key and columns, and values only on request', async () => {
  await query(target, `UPDATE users SET name = 'Eve' WHERE id = 7; DELETE FROM users WHERE id = 9; CREATE TABLE more ()`)
  const { exit, out } = await diff()
  expect(exit).toBe(1)
  expect(out.split('\n').slice(1)).toEqual([
    '✘ different: 2 tables compared, 50 rows',
    '  ✘ public.more: not there in the source',
    '  ✔ public.empty: equal, 0 rows',
    '  ✘ public.users: 2 rows differ: 1 changed, 1 only in the source',
    '      changed: id = 7 (name)',
    '      only in the source: id = 9',
    '  Not rows of tables, and not compared: sequences.',
    '',
  ])
  expect((await diff('--show-values', '--table', 'users')).out).toContain('changed: id = 7 (name: "Ada" → "Eve")')
  expect(await diff('--exclude', 'users', '--exclude', 'more')).toMatchObject({ exit: 0 })
})

test('--json is one document in a versioned form, without a password', async () => {
  const { exit, out, json } = await diff('--json', '--table', 'users')
  expect(exit).toBe(1)
  expect(json).toMatchObject({
    version: 1,
    source: { host: '127.0.0.1', user: 'ledger' },
    verdict: 'different',
    mode: 'static',
    structure: [],
    tables: [{ table: 'public.users', verdict: 'different', method: 'ranges', key: ['id'], rows: { source: 50, target: 49 } }],
    outside: ['sequences'],
  })
  expect(out).not.toContain(new URL(source).password)
})

test('on a terminal the progress is one line on standard error, and gone at the end', async () => {
  const { out, err } = await capstan(['verify', 'diff', source, target], { live: true })
  expect(out).not.toContain('\u001b[')
  expect(err.split('\n').filter((line) => line.includes('░') || line.includes('█')).length).toBeLessThan(100)
  expect(err.endsWith('\u001b[0J')).toBe(true)
})

test('one database under two URLs, and more connections than it takes, are bad input', async () => {
  expect(await capstan(['verify', 'diff', source, source])).toMatchObject({
    exit: 2,
    err: expect.stringContaining('same database'),
  })
  expect(await diff('--jobs', '33')).toMatchObject({ exit: 2, err: expect.stringContaining('from 1 to 32') })
})

test('the target may have a password of its own', async () => {
  const bare = (url: string) => url.replace(/:[^:@/]+@/, '@')
  const { password } = new URL(source)
  const args = ['verify', 'diff', bare(source), bare(target), '--table', 'empty']
  expect(await capstan(args, { env: { PGPASSWORD: password } })).toMatchObject({ exit: 0 })
  expect(await capstan(args, { env: { PGPASSWORD: password, CAPSTAN_TARGET_PASSWORD: 'another' } })).toMatchObject({
    exit: 3,
    err: expect.stringContaining('CREDENTIALS_REJECTED'),
  })
})
