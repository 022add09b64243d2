/** A copy of a database that is written to, damaged by hand: each damage is caught by the rung that is meant for it, and by none below. */
import type { Session } from '../../../postgres/connect/session'
import { contentFindings } from '../../../postgres/proof/content'
import { beat, beatsIn, judgeTarget } from '../../../postgres/proof/heartbeat'
import { checkIntegrity } from '../../../postgres/proof/integrity'
import { type Manifest, takeManifest } from '../../../postgres/proof/manifest'
import { Instance } from './support/copied'

const TABLES = `
  CREATE TABLE steady (id int PRIMARY KEY, v int); INSERT INTO steady SELECT g, g FROM generate_series(1, 5000) g;
  CREATE TABLE emptied (LIKE steady INCLUDING ALL); INSERT INTO emptied SELECT * FROM steady;
  CREATE TABLE robbed (LIKE steady INCLUDING ALL); INSERT INTO robbed SELECT * FROM steady;
  CREATE TABLE twisted (id int PRIMARY KEY, v int); INSERT INTO twisted SELECT * FROM steady;
  CREATE TABLE broken (id int PRIMARY KEY, v int); INSERT INTO broken SELECT * FROM steady;
  CREATE TABLE sorted (id int PRIMARY KEY, v int); INSERT INTO sorted SELECT * FROM steady;
  CREATE TABLE hidden (id int PRIMARY KEY, v int); INSERT INTO hidden SELECT * FROM steady;
  CREATE TABLE appended (id int); INSERT INTO appended SELECT generate_series(1, 100);
  CREATE TABLE jobs (id int); INSERT INTO jobs VALUES (1);
  CREATE TABLE hot (id int PRIMARY KEY, v int); INSERT INTO hot VALUES (1, 1), (2, 2);
  CREATE TABLE swung (id int PRIMARY KEY, v int); INSERT INTO swung VALUES (1, 1);
  CREATE TABLE packed (id int PRIMARY KEY, v text); INSERT INTO packed SELECT g, 'p' || g FROM generate_series(1, 50) g; DELETE FROM packed WHERE id < 10;
  CREATE TABLE widened (id int); INSERT INTO widened VALUES (1);
  CREATE TABLE nested (id int);
  CREATE TABLE events (id int PRIMARY KEY) PARTITION BY RANGE (id);
  CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100); INSERT INTO events VALUES (1), (2);
  CREATE UNLOGGED TABLE scratch (id int); INSERT INTO scratch VALUES (1);
  CREATE TABLE shapes (id int, p point); INSERT INTO shapes VALUES (1, '(1,2)'); CREATE INDEX shapes_p ON shapes USING gist (p);
  CREATE MATERIALIZED VIEW seen AS SELECT * FROM hot;
  CREATE SEQUENCE numbers`

let source: Instance
let copy: Instance
let before: Manifest
let after: Manifest

beforeAll(async () => {
  source = await Instance.make(17)
  const writer = await source.session('master')
  await writer.execute(TABLES)
  const open = await source.session('master')
  // A transaction within a transaction that is under way while the first manifest is taken.
  await writer.execute('CREATE TABLE waiting (id int)')
  await open.execute('BEGIN; INSERT INTO waiting VALUES (1); SAVEPOINT a; INSERT INTO nested VALUES (1)')
  before = await manifest(source)
  await open.execute('COMMIT')
  await writer.execute(`INSERT INTO appended SELECT 100; INSERT INTO jobs VALUES (2); UPDATE hot SET v = 10 WHERE id = 1;
    UPDATE swung SET v = 2; CREATE TABLE passing (id int); CREATE INDEX steady_v ON steady (v)`)
  copy = await source.copy()
  await writer.execute(`INSERT INTO appended SELECT 101; DELETE FROM jobs WHERE id = 2; DELETE FROM nested; UPDATE swung SET v = 1;
    DROP TABLE passing; DROP INDEX steady_v; UPDATE hot SET v = 11 WHERE id = 1`)
  await writer.execute('VACUUM FULL packed')
  after = await manifest(source, before)
  await copy.start()
})
afterAll(async () => {
  await source?.remove()
  await copy?.remove()
})

function manifest(of: Instance, since?: Manifest): Promise<Manifest> {
  return takeManifest({ connect: () => of.session('master'), jobs: 2, since })
}

const content = () => contentFindings(before, after, { connect: () => copy.session('master'), jobs: 2 })
const integrity = () => checkIntegrity({ connect: () => copy.session('postgres'), jobs: 2 })
const rules = (findings: readonly { rule: string; message: string }[]) =>
  findings.map(({ rule, message }) => `${rule} ${/public\.\w+/.exec(message)?.[0] ?? message}`).sort()

test('a sound copy is proven, whatever was written around the backup, and what is not proven has its name', async () => {
  const proof = await content()
  expect(proof.findings).toEqual([])
  expect(proof.untold).toBe(0)
  const why = Object.fromEntries(proof.notProven.map((one) => [one.what, one.why]))
  expect(Object.keys(why).sort()).toEqual([
    'materialized views',
    'public.appended',
    'public.hot',
    'public.jobs',
    'public.nested',
    'public.scratch',
    'public.swung',
    'public.waiting',
    'sequences',
    'the schema',
  ])
  expect(after.touched).toEqual(expect.arrayContaining(['packed']))
  expect(after.touched).not.toEqual(expect.arrayContaining(['steady']))
  expect(why['public.appended']).toBe('2 rows were written too late for the first manifest.')
  expect(why['public.swung']).toMatch(/^Rows of it were changed or deleted around the backup/)
  expect(why['public.scratch']).toContain('unlogged')
  expect(proof).toMatchObject({ complete: true, tables: 18, rowsProven: 7 * 5000 + 100 + 1 + 41 + 1 + 2 + 1 })
  const sound = await integrity()
  expect(sound).toMatchObject({ findings: [], untold: 0, complete: true })
  expect(sound.notProven).toEqual([{ what: 'public.shapes_p', why: expect.stringContaining('gist') }])
  expect(sound.indexes).toBeGreaterThan(100)
  expect(sound.heaps).toBeGreaterThan(60)
})

test('a role that may not execute the checks says so, and no more', async () => {
  const proof = await checkIntegrity({ connect: () => source.session('master'), jobs: 1 })
  expect(proof).toMatchObject({ findings: [], complete: false, indexes: 0, heaps: 0 })
  expect(proof.notProven).toEqual([{ what: 'every index and table', why: expect.stringContaining('42501') }])
})

test('a manifest that has no time left names the tables that it left out', async () => {
  const none = await takeManifest({ connect: () => source.session('master'), jobs: 1, durationMaxMs: 0 })
  expect(none.tables).toEqual([])
  expect(new Set(none.unread.map(({ why }) => why))).toContain('There was no time left to read all of it.')
})

test('a manifest of a table that the role may not read names it', async () => {
  const superuser = await source.session('postgres')
  await superuser.execute(
    'CREATE TABLE closed (id int); CREATE TABLE guarded (id int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; GRANT SELECT ON guarded TO master',
  )
  const less = await manifest(source)
  const { unread } = less
  const proof = await contentFindings(less, await manifest(source, less), { connect: () => source.session('master'), jobs: 1 })
  expect(proof).toMatchObject({ findings: [], complete: false })
  expect(proof.rowsProven).toBeGreaterThan(0)
  await superuser.execute('DROP TABLE closed, guarded')
  expect(Object.fromEntries(unread.map(({ name, why }) => [name, why]))).toMatchObject({
    'public.closed': expect.stringContaining('grant SELECT'),
    'public.guarded': expect.stringContaining('42501'),
  })
})

test('whoever holds a lock is not waited for: a table is left out by name, and a schema that cannot be read is refused', async () => {
  const holder = await source.session('master')
  await holder.execute('CREATE TABLE altered (id int)')
  await holder.execute('BEGIN; LOCK TABLE altered')
  const { tables, unread } = await manifest(source)
  expect(unread).toContainEqual({ name: 'public.altered', why: expect.stringContaining('55P03'), damaged: false })
  expect(tables.map(({ name }) => name)).toContain('public.steady')
  await holder.execute('CREATE VIEW altered_seen AS SELECT * FROM altered; COMMIT')
  await holder.execute('BEGIN; LOCK TABLE altered')
  await expect(manifest(source)).rejects.toMatchObject({ code: 'DATABASE_REFUSED', message: expect.stringContaining('55P03') })
  await holder.execute('DROP TABLE altered CASCADE; COMMIT')
})

describe('of a copy that was damaged', () => {
  let there: Session
  beforeAll(async () => {
    there = await copy.session('postgres')
    await beat(await copy.session('master'), { operation: 'op-1', label: 'copy' })
    // What SQL can do to a copy: in production nobody touches pages.
    await there.execute(
      `TRUNCATE emptied, hot; DELETE FROM robbed WHERE id = 4321; DROP TABLE events; ALTER TABLE jobs ALTER id SET DEFAULT 7`,
    )
    const ready = (is: boolean) => `UPDATE pg_index SET indisready = ${is} WHERE indexrelid = 'hidden_pkey'::regclass`
    await there.execute(`${ready(false)}; INSERT INTO hidden VALUES (9001, 1); ${ready(true)}`)
    const files = await Promise.all(['twisted', 'broken', 'sorted_pkey'].map((name) => copy.fileOf(name)))
    await copy.stop()
    const [twisted = '', broken = '', sorted = ''] = files
    // The first row lies at the end of its page, 24 bytes of header and two integers: the last of these, then the length of the header.
    await copy.flip(twisted, 3, 4)
    await copy.flip(broken, 2, 10)
    // The first entry of a leaf, before the page's own 16 bytes: 8 of header, then the key.
    await copy.flip(sorted, 1, 24)
  })

  afterEach(() => copy.stop())

  test('every rung sees its own, where nobody heeds checksums', async () => {
    await copy.start({ ignore_checksum_failure: 'on' })
    // L2: the copy answers, and has its heartbeat.
    const beats = await beatsIn(await copy.session('master'))
    expect(judgeTarget({ at: new Date().toISOString(), expected: [], found: beats })).toMatchObject({ findings: [] })
    expect(rules((await integrity()).findings)).toEqual([
      'integrity:heap public.broken',
      'integrity:index public.broken_pkey',
      'integrity:index public.hidden_pkey',
      'integrity:index public.sorted_pkey',
    ])
    const proof = await content()
    expect(rules(proof.findings)).toEqual(
      expect.arrayContaining([
        'content:rows-changed public.twisted',
        'content:rows-missing public.emptied',
        'content:rows-missing public.hot',
        'content:rows-missing public.robbed',
        'content:schema public.jobs',
        'content:table-missing public.events_1',
      ]),
    )
    const known = proof.findings.map(({ message }) => message).join('\n')
    for (const sound of ['steady', 'sorted', 'hidden', 'appended', 'packed']) expect(known).not.toContain(`Table public.${sound}`)
    expect(known).toContain('the copy has 4999 rows from before the backup, and 5000 of them were still there after it')
  })

  test('checksums stop a reader at the damaged page, which is named', async () => {
    await copy.start()
    const { findings } = await integrity()
    expect(rules(findings)).toEqual([
      'integrity:heap public.broken',
      'integrity:heap public.twisted',
      'integrity:index public.broken_pkey',
      'integrity:index public.hidden_pkey',
      'integrity:index public.sorted_pkey',
      'integrity:index public.twisted_pkey',
    ])
    expect(findings.find(({ message }) => message.includes('public.twisted '))?.message).toMatch(/in block 3 of relation .*XX001/)
    const unreadable = (await content()).findings.filter(({ rule }) => rule === 'content:unreadable')
    expect(rules(unreadable)).toEqual(['content:unreadable public.broken', 'content:unreadable public.twisted'])
  })
})

test('PostgreSQL 15 proves as much, its sequences too', async () => {
  const older = await Instance.make(15)
  try {
    await (await older.session('master')).execute(TABLES)
    // As one that was upgraded from PostgreSQL 13, where amcheck knew indexes only.
    await (await older.session('postgres')).execute(`CREATE EXTENSION amcheck VERSION '1.2'`)
    const first = await manifest(older)
    const proof = await contentFindings(first, await manifest(older, first), { connect: () => older.session('master'), jobs: 1 })
    expect(proof).toMatchObject({ findings: [], tables: 17, tablesProven: 16 })
    const sound = await checkIntegrity({ connect: () => older.session('postgres'), jobs: 1 })
    expect(sound).toMatchObject({ findings: [], complete: true, notProven: [{ what: 'public.shapes_p' }] })
    expect(sound.heaps).toBeGreaterThan(60)
  } finally {
    await older.remove()
  }
})
