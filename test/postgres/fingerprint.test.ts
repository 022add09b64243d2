import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Session } from '../../postgres/connect/session'
import { describeSchema, diffFingerprints, schemaFingerprint } from '../../postgres/inspect/fingerprint'
import { inertnessFindings } from '../../postgres/inspect/inertness'
import { serverFacts } from '../../postgres/inspect/server'
import { apply } from './support/apply'
import { startTestServer, type TestServer } from './support/server'

/** A little of everything that the fingerprint covers. */
const SCHEMA = `
CREATE SCHEMA app;
CREATE EXTENSION pg_trgm;
CREATE TYPE app.state AS ENUM ('new', 'paid');
CREATE DOMAIN app.positive AS int DEFAULT 1 CHECK (VALUE > 0 AND VALUE < 1000);
CREATE TYPE app.pair AS (a int, b text);
CREATE SEQUENCE app.numbers INCREMENT 5 CYCLE MAXVALUE 100;
CREATE TABLE app.orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer int NOT NULL,
  total numeric(12, 2) NOT NULL DEFAULT round(1.5 * 2, 2),
  double_total numeric GENERATED ALWAYS AS (total * 2) STORED,
  state app.state DEFAULT 'new',
  amount app.positive,
  created timestamptz DEFAULT now() - interval '1 day',
  note text COLLATE "C",
  CHECK (note IS NULL OR (length(note) BETWEEN 1 AND 100 AND note <> 'x')),
  UNIQUE (customer, created)
) WITH (fillfactor = 80);
CREATE TABLE app.lines (order_id bigint REFERENCES app.orders ON DELETE CASCADE DEFERRABLE, n int, EXCLUDE USING btree (n WITH =));
CREATE TABLE app.plain (a int);
CREATE TABLE app.parted (id int, at date) PARTITION BY RANGE (at, (id + 1));
CREATE TABLE app.parted_2026 PARTITION OF app.parted FOR VALUES FROM ('2026-01-01', 0) TO ('2027-01-01', 10);
CREATE INDEX orders_note ON app.orders USING gin (note gin_trgm_ops) WHERE state = 'new' AND note IS NOT NULL;
CREATE UNIQUE INDEX orders_lower ON app.orders (lower(note) DESC NULLS LAST, id) INCLUDE (total) NULLS NOT DISTINCT;
CREATE VIEW app.totals AS SELECT customer, sum(total) AS total, count(*) FILTER (WHERE state = 'paid') AS paid
  FROM app.orders o WHERE o.total > 10 AND o.customer IN (1, 2, 3) GROUP BY customer HAVING count(*) > 1 ORDER BY 1;
CREATE VIEW app.joined AS SELECT o.id, l.n, (SELECT max(x.total) FROM app.orders x WHERE x.customer = o.customer) AS top
  FROM app.orders o LEFT JOIN app.lines l ON l.order_id = o.id WHERE EXISTS (SELECT 1 FROM app.lines y WHERE y.order_id = o.id);
CREATE MATERIALIZED VIEW app.summary AS WITH big AS (SELECT * FROM app.orders WHERE total > 100) SELECT state, count(*) FROM big GROUP BY state;
CREATE FUNCTION app.add(a int, b int DEFAULT 2) RETURNS int LANGUAGE sql IMMUTABLE STRICT SET search_path = app AS 'SELECT a + b';
CREATE FUNCTION app.body(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a + 1; END;
CREATE PROCEDURE app.tidy() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM app.lines; END $$;
CREATE FUNCTION app.touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE OF total ON app.orders FOR EACH ROW WHEN (OLD.total IS DISTINCT FROM NEW.total) EXECUTE FUNCTION app.touched('x');
CREATE RULE quiet AS ON DELETE TO app.lines WHERE OLD.n > 5 DO INSTEAD NOTHING;
ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.orders FOR SELECT USING (customer = current_setting('app.customer')::int);
CREATE STATISTICS app.related (dependencies) ON customer, total FROM app.orders;
GRANT SELECT (customer), UPDATE (total) ON app.orders TO pg_monitor;
GRANT SELECT ON app.totals TO PUBLIC;
GRANT EXECUTE ON FUNCTION app.add(int, int) TO pg_monitor;
GRANT USAGE ON SCHEMA app TO pg_monitor;
`

const servers: TestServer[] = []
beforeAll(async () => {
  servers.push(...(await Promise.all([startTestServer(15), startTestServer(17)])))
})
afterAll(() => Promise.all(servers.map((server) => server.stop())))

async function withSchema(server: TestServer | undefined, sql = SCHEMA): Promise<Session> {
  if (server === undefined) throw new Error('no server')
  const database = await server.database()
  const session = await database.connect()
  await session.execute(sql)
  return session
}

test('the same schema has the same fingerprint on PostgreSQL 15 and 17', async () => {
  const [old, recent] = await Promise.all(servers.map((server) => withSchema(server).then((session) => describeSchema(session))))
  if (old === undefined || recent === undefined) throw new Error('two servers')

  expect(diffFingerprints(old, recent)).toEqual([])
  expect(recent.fingerprint).toBe(old.fingerprint)
  expect(old.fingerprint).toMatch(/^[0-9a-f]{64}$/)
  expect(new Set(old.objects.map(({ id }) => id.split(' ')[0]))).toEqual(
    new Set(
      'schema extension enum domain composite table column view materialized constraint index sequence function procedure trigger rule policy statistics'.split(
        ' ',
      ),
    ),
  )
  expect(new Set(old.objects.map(({ id }) => id)).size).toBe(old.objects.length)
})

let changing: Session | undefined

// One database takes all the changes, one after another.
test.each([
  ['ALTER TABLE app.orders ADD extra int', ['column app.orders.extra: only on the second']],
  ['ALTER TABLE app.plain ALTER a TYPE bigint', ['column app.plain.a: differs']],
  ['ALTER TABLE app.orders ALTER customer DROP NOT NULL', ['column app.orders.customer: differs']],
  ['ALTER TABLE app.orders ALTER total SET DEFAULT 2', ['column app.orders.total: differs']],
  ["ALTER TYPE app.state ADD VALUE 'sent' BEFORE 'paid'", ['enum app.state: differs']],
  ['DROP INDEX app.orders_note', ['index app.orders_note: only on the first']],
  [
    "CREATE OR REPLACE FUNCTION app.add(a int, b int DEFAULT 2) RETURNS int LANGUAGE sql IMMUTABLE STRICT SET search_path = app AS 'SELECT a - b'",
    ['function app.add(pg_catalog.int4, pg_catalog.int4): differs'],
  ],
  [
    'CREATE OR REPLACE FUNCTION app.body(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a + 2; END',
    ['function app.body(pg_catalog.int4): differs'],
  ],
  [
    'CREATE OR REPLACE VIEW app.joined AS SELECT o.id, l.n, (SELECT min(x.total) FROM app.orders x WHERE x.customer = o.customer) AS top FROM app.orders o LEFT JOIN app.lines l ON l.order_id = o.id',
    ['view app.joined: differs'],
  ],
  ['ALTER TABLE app.orders DISABLE TRIGGER touch', ['trigger app.orders.touch: differs']],
  ['REVOKE SELECT ON app.totals FROM PUBLIC', ['view app.totals: differs']],
  [
    'ALTER TABLE app.lines ALTER CONSTRAINT lines_order_id_fkey NOT DEFERRABLE',
    ['constraint app.lines.lines_order_id_fkey: differs'],
  ],
  ['ALTER SEQUENCE app.numbers INCREMENT 6', ['sequence app.numbers: differs']],
])('%s changes the fingerprint and the difference has a name', async (change, difference) => {
  changing ??= await withSchema(servers[0])
  const before = await describeSchema(changing)
  await changing.execute(change)
  const after = await describeSchema(changing)

  expect(after.fingerprint).not.toBe(before.fingerprint)
  expect(diffFingerprints(before, after)).toEqual(difference)
})

test('an index that is not valid differs from one that is', async () => {
  const session = await withSchema(servers[0], 'CREATE TABLE t (a int)')
  await session.execute('CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)')
  const valid = await describeSchema(session)
  await session.execute('DROP INDEX i')
  await session.execute('INSERT INTO t VALUES (1), (1)')
  await session.execute('CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)').catch(() => undefined)

  expect(diffFingerprints(valid, await describeSchema(session), { names: ['canary', 'target'] })).toEqual([
    'index public.i: differs',
  ])
})

test('rows, sequence positions, dropped columns and our own tables do not count', async () => {
  const database = await servers[0]?.database()
  if (database === undefined) throw new Error('no server')
  const session = await database.connect()
  const before = await schemaFingerprint(session)
  await apply(database, { 'V1__a.sql': 'SELECT 1' })
  expect(await schemaFingerprint(session)).toBe(before)

  await session.execute('CREATE TABLE t (id serial, b text)')
  const table = await schemaFingerprint(session)
  await session.execute(
    'ALTER TABLE t ADD c int, DROP b; ALTER TABLE t DROP c; ALTER TABLE t ADD b text; INSERT INTO t DEFAULT VALUES; ANALYZE t',
  )
  expect(await schemaFingerprint(session)).toBe(table)
})

test('a long difference is cut with a count', async () => {
  const empty = { version: 1, fingerprint: '', objects: [] } as const
  const many = { ...empty, objects: Array.from({ length: 30 }, (_, i) => ({ id: `table t${i}`, digest: 'x' })) }
  expect(diffFingerprints(empty, many, { limit: 3 })).toEqual([
    'table t0: only on the second',
    'table t10: only on the second',
    'table t11: only on the second',
    'and 27 more',
  ])
})

test('a fresh server is inert, an enabled subscription and a foreign server are named', async () => {
  const database = await servers[1]?.database()
  if (database === undefined) throw new Error('no server')
  const session = await database.connect()
  expect(await inertnessFindings(session)).toEqual([])

  const superuser = await database.connectAsSuperuser()
  await superuser.execute(
    `CREATE EXTENSION postgres_fdw; CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw;
     CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p WITH (connect = false)`,
  )
  await superuser.execute(`ALTER SUBSCRIPTION s SET (slot_name = 'none_there')`)
  await superuser.execute('ALTER SUBSCRIPTION s ENABLE')
  try {
    expect((await inertnessFindings(session)).map(({ id, severity }) => `${id} ${severity}`)).toEqual([
      'subscriptions acts',
      'foreign-servers may-act',
    ])
  } finally {
    await superuser.execute('ALTER SUBSCRIPTION s DISABLE')
    await superuser.execute('ALTER SUBSCRIPTION s SET (slot_name = NONE)')
    await superuser.execute('DROP SUBSCRIPTION s')
  }
})

test('installed pg_cron is inert where the server never loaded it, and suspected where that may not be read', async () => {
  const database = await servers[1]?.database()
  if (database === undefined) throw new Error('no server')
  const superuser = await database.connectAsSuperuser()
  // The extension's own files are not among these binaries; its row is what the finding goes by.
  await superuser.execute(`SET allow_system_table_mods = on;
    INSERT INTO pg_extension SELECT 9999999, 'pg_cron', extowner, extnamespace, extrelocatable, extversion, extconfig, extcondition
      FROM pg_extension WHERE extname = 'plpgsql'`)

  expect(await inertnessFindings(await database.connect())).toEqual([])

  await superuser.execute('CREATE ROLE blind; SET ROLE blind')
  try {
    expect((await inertnessFindings(superuser)).map(({ id, severity }) => `${id} ${severity}`)).toEqual([
      'preloaded-subscribers acts',
      'scheduled-jobs acts',
    ])
  } finally {
    await superuser.execute(`RESET ROLE; DROP ROLE blind; DELETE FROM pg_extension WHERE extname = 'pg_cron'`)
  }
})

describe('a server that preloads what subscribes or schedules by workers of its own', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'capstan-preloaded-'))
    await chmod(folder, 0o755)
    const superuser = await (await servers[1]?.database())?.connectAsSuperuser()
    const [found] = (await superuser?.query<{ setting: string }>(`SELECT setting FROM pg_config WHERE name = 'PKGLIBDIR'`)) ?? []
    // those libraries are not among these binaries; their names are what the finding goes by
    await copyFile(path.join(found?.setting ?? '', 'auto_explain.so'), path.join(folder, 'pglogical.so'))
    await copyFile(path.join(found?.setting ?? '', 'pg_stat_statements.so'), path.join(folder, 'pg_cron.so'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each([
    ['acts, although nothing of it is installed in this database', '8', ['preloaded-subscribers acts', 'scheduler acts']],
    ['is inert where no background worker starts', '0', []],
  ])('%s', async (_what, max_worker_processes, expected) => {
    const shared_preload_libraries = `${folder}/pglogical,${folder}/pg_cron`
    const server = await startTestServer(17, { shared_preload_libraries, max_worker_processes })
    try {
      const session = await (await server.database()).connect()
      expect((await inertnessFindings(session)).map(({ id, severity }) => `${id} ${severity}`)).toEqual(expected)
    } finally {
      await server.stop()
    }
  })
})

test('a server says who it is, as plain values', async () => {
  const session = await withSchema(servers[0], 'SELECT 1')
  expect(await serverFacts(session)).toEqual({
    version: expect.stringMatching(/^15\.\d+$/),
    versionNum: expect.any(Number),
    systemIdentifier: expect.stringMatching(/^\d+$/),
    database: session.endpoint.database,
    role: 'master',
    superuser: false,
    inRecovery: false,
    lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
    databaseBytes: expect.any(Number),
    startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    now: expect.stringMatching(/^\d{4}-.*Z$/),
  })
})
