/** `capstan recover` as it is typed. What comes back is tested in test/postgres/row-recovery. */
import { query, startTestServer, type TestServer } from '../ledger/postgres-server'
import { capstan } from './recorded-io'

let server: TestServer
let copy: string
let live: string
beforeAll(async () => {
  server = await startTestServer()
  copy = await server.freshDatabase()
  live = await server.freshDatabase()
  for (const url of [copy, live])
    await query(
      url,
      `CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, team int);
       INSERT INTO users SELECT g, 'u' || g, g % 3 FROM generate_series(1, 60) g;
       CREATE TABLE log (line text)`,
    )
})
beforeEach(async () => {
  await query(
    live,
    `DELETE FROM users; INSERT INTO users SELECT g, 'u' || g, g % 3 FROM generate_series(1, 60) g WHERE g % 3 <> 0; UPDATE users SET team = 9 WHERE id = 1;
     DROP SCHEMA IF EXISTS capstan CASCADE`,
  )
})
afterAll(() => server?.stop())

const rows = (...more: string[]) => capstan(['recover', 'rows', '--from', copy, '--into', live, '--table', 'users', ...more])
const left = async () => (await query(live, 'SELECT count(*)::int AS rows FROM users'))[0]

test('--plan shows what would come back, with the digest, and changes nothing', async () => {
  const { exit, out, err } = await rows('--plan', '--where', 'id > 3')
  expect({ exit, err }).toEqual({ exit: 0, err: '' })
  expect(out.split('\n').slice(1)).toEqual([
    expect.stringMatching(/^plan [0-9a-f]{64}$/),
    '  public.users: 19 rows to bring back (id = 6 | 9 | 12 | 15 | 18 | …)',
    '      1 row more only in the copy, which --where leaves out',
    '',
  ])
  expect((await rows('--plan')).out).toContain('      1 row in both and not the same: left as they are (id = 1)')
  expect(await query(live, `SELECT to_regnamespace('capstan')::text AS schema`)).toEqual([{ schema: null }])
})

test('--digest carries out that plan and no other, in JSON too', async () => {
  const { json } = await rows('--plan', '--json')
  expect(json).toMatchObject({
    version: 1,
    copy: { host: '127.0.0.1' },
    plan: { version: 1, tables: [{ table: 'public.users', rows: 20 }] },
    result: null,
  })
  const { digest } = (json as { plan: { digest: string } }).plan
  await query(live, `INSERT INTO users VALUES (500, 'u3', 1)`)
  const done = await rows('--digest', digest, '--json')
  expect(done.exit).toBe(1)
  expect(done.json).toMatchObject({
    plan: { tables: [{ taken: [{ name: 'users_email_key', rows: 1 }] }] },
    result: { digest, tables: [{ rows: 20, outcomes: { brought: 19, refused: 1 } }] },
  })
  expect(done.out).not.toContain(new URL(copy).password)
  expect(await rows('--digest', '0'.repeat(64))).toMatchObject({ exit: 5, err: expect.stringContaining('PLAN_DRIFTED') })
  expect(await left()).toEqual({ rows: 60 })
})

test('what was carried out is told again by its digest, without the copy; --yes does not bring back what was deleted since', async () => {
  const { json } = await rows('--plan', '--json')
  const { digest } = (json as { plan: { digest: string } }).plan
  const { json: done } = await rows('--digest', digest, '--json')
  await query(live, 'DELETE FROM users WHERE id = 3')
  const { result } = done as { result: unknown }
  const gone = copy.replace(/\/[^/]*$/, '/gone')
  const again = ['recover', 'rows', '--from', gone, '--into', live, '--digest', digest]
  expect(await capstan([...again, '--table', 'users', '--json'])).toMatchObject({ exit: 0, json: { result } })
  expect((await capstan([...again, '--table', 'public.users'])).out).toContain('It was carried out before')
  // of another request it says nothing, and the copy is asked
  expect(await capstan([...again, '--table', 'users', '--where', 'id > 3'])).toMatchObject({
    err: expect.stringContaining('DATABASE_UNKNOWN'),
  })
  expect(await left()).toEqual({ rows: 59 })
  expect(await rows('--yes')).toMatchObject({ exit: 2, err: expect.stringContaining('may have been deleted since') })
  expect(await left()).toEqual({ rows: 59 })
  const { json: next } = await rows('--plan', '--json')
  expect(next).toMatchObject({ plan: { repeats: true, previous: digest } })
  expect((await rows('--digest', (next as { plan: { digest: string } }).plan.digest)).exit).toBe(0)
  // nothing is missing: then --yes is no question
  expect((await rows('--yes')).exit).toBe(0)
})

test('rows that were staged out of one copy are not brought back in the name of another', async () => {
  await query(
    live,
    `CREATE FUNCTION halt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'halt' USING ERRCODE = '55000'; END $$;
     CREATE TRIGGER halt BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION halt()`,
  )
  const { json } = await rows('--plan', '--fire-triggers', '--json')
  const { digest } = (json as { plan: { digest: string } }).plan
  expect(await rows('--digest', digest, '--fire-triggers')).toMatchObject({ err: expect.stringContaining('DATABASE_REFUSED') })
  await query(live, 'DROP FUNCTION halt CASCADE')
  const other = await server.freshDatabase()
  await query(
    other,
    `CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, team int); INSERT INTO users VALUES (900, 'other', 1)`,
  )
  const asked = (from: string, ...more: string[]) =>
    capstan(['recover', 'rows', '--from', from, '--into', live, '--table', 'users', '--fire-triggers', ...more])
  const refused = { exit: 3, err: expect.stringContaining(`Give --digest ${digest}`) }
  expect(await asked(other, '--yes')).toMatchObject(refused)
  const asTyped = ['recover', 'rows', '--from', other, '--into', live, '--table', 'users', '--fire-triggers']
  expect(await capstan(asTyped, { answer: 'y' })).toMatchObject(refused)
  expect(await left()).toEqual({ rows: 40 })
  const gone = copy.replace(/\/[^/]*$/, '/gone')
  expect(await asked(gone, '--digest', digest)).toMatchObject({ exit: 0, out: expect.stringContaining('20 rows of 20 back') })
})

test('on a terminal somebody is asked, with the plan before them', async () => {
  const no = await capstan(['recover', 'rows', '--from', copy, '--into', live, '--table', 'users'], {
    answer: 'n',
  })
  expect(no.exit).toBe(7)
  expect(no.out).toContain('Nothing was changed.')
  expect(await left()).toEqual({ rows: 40 })
  const yes = await capstan(['recover', 'rows', '--from', copy, '--into', live, '--table', 'users'], {
    answer: 'y',
  })
  expect(yes.exit).toBe(0)
  expect(yes.out).toContain('✔ public.users: 20 rows of 20 back')
  expect(await left()).toEqual({ rows: 60 })
})

test('what could not come back is told, and exit 1', async () => {
  await query(live, `INSERT INTO users VALUES (500, 'u3', 1)`)
  const { exit, out } = await rows('--yes')
  expect(exit).toBe(1)
  expect(out).toContain('    ▲ 1 row whose email is taken (users_email_key)\n')
  expect(out).toContain('▲ public.users: 19 rows of 20 back, 1 refused\n    refused: id = 3: another unique value of it is taken')
})

test('a schema is all its tables, and one without a key is refused by name', async () => {
  const all = ['recover', 'rows', '--from', copy, '--into', live, '--schema', 'public', '--plan']
  expect(await capstan(all)).toMatchObject({
    exit: 3,
    err: expect.stringContaining('No rows can be brought back to public.log: no primary key'),
  })
  expect(await capstan([...all, '--exclude', 'log'])).toMatchObject({
    exit: 0,
    out: expect.stringContaining('public.users: 20 rows'),
  })
})

test('the moment when it happened is halved down to', async () => {
  const when = (...more: string[]) =>
    capstan([
      'recover',
      'when',
      '--earliest',
      '2026-11-23T00:00Z',
      '--latest',
      '2026-11-23T08:00Z',
      '--resolution',
      '1h',
      ...more,
    ])
  expect((await when()).out).toContain('Restore a copy to 2026-11-23 00:00:00.000 UTC')
  const ends = ['--good', '2026-11-23T00:00Z', '--bad', '2026-11-23T08:00Z']
  expect((await when(...ends)).out).toBe(
    'Restore a copy to 2026-11-23 04:00:00.000 UTC, and look whether it is good.\n' +
      'Then ask again, with --good 2026-11-23T04:00:00.000Z or --bad 2026-11-23T04:00:00.000Z added; 3 looks at most.\n',
  )
  expect(await when(...ends, '--good', '2026-11-23T05:00Z', '--bad', '2026-11-23T06:00Z', '--json')).toMatchObject({
    exit: 0,
    json: { version: 1, kind: 'found', lastGood: '2026-11-23T05:00:00.000Z', firstBad: '2026-11-23T06:00:00.000Z' },
  })
  expect(await when('--bad', '2026-11-23T00:00Z')).toMatchObject({
    exit: 1,
    out: expect.stringContaining('it never was in this window'),
  })
})
