/** Of a database that somebody follows: what counts as changing rows alone and does more is rolled back, and what does not is let be. */
import type { Session } from '../../../postgres/connect/session'
import { applyMigrations } from '../../../postgres/migrate/apply'
import { ensureControlSchema } from '../../../postgres/migrate/control-schema'
import { LINE_TABLE } from '../../../postgres/migrate/schema-line'
import { failureOf, resolve, type Scripts } from '../support/apply'
import { startTestServer, type TestServer } from '../support/server'

const BASE = {
  'V1__base.sql': `
    CREATE TABLE parts (day int PRIMARY KEY, n int) PARTITION BY RANGE (day);
    CREATE TABLE shop (id int PRIMARY KEY, what text); CREATE INDEX shop_what ON shop (what); CREATE TYPE mood AS ENUM ('good');
    CREATE FUNCTION run(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE what; END $$;
    CREATE TABLE tenants (name text PRIMARY KEY);
    CREATE FUNCTION made() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY)', NEW.name); RETURN NEW; END $$;
    CREATE TRIGGER made AFTER INSERT ON tenants FOR EACH ROW EXECUTE FUNCTION made()`,
}

let server: TestServer
let session: Session
let apply: (files: Scripts) => Promise<unknown>
beforeAll(async () => {
  server = await startTestServer(17)
  const database = await server.database()
  session = await database.connect()
  apply = (files) => applyMigrations({ connect: () => database.connect(), resolved: resolve({ ...BASE, ...files }) })
  await apply({})
  await ensureControlSchema(session)
  await session.execute(`CREATE PUBLICATION p FOR TABLE ${LINE_TABLE}, parts, shop, tenants WITH (publish_via_partition_root)`)
})
afterAll(() => server?.stop())

test.each([
  ['a partition', `SELECT run('CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100)')`, 'table public.parts_1'],
  ['a label of an enum', `SELECT run('ALTER TYPE mood ADD VALUE ''bad''')`, 'enum public.mood'],
  ['a table that a trigger makes', `INSERT INTO tenants VALUES ('first')`, 'table public.first'],
  [
    'a table that is made anew and looks the same',
    `SELECT run('CREATE TABLE x (LIKE shop INCLUDING ALL); DROP TABLE shop; ALTER TABLE x RENAME TO shop')`,
    'table public.shop',
  ],
  [
    'one behind a schema',
    `ALTER TABLE shop ADD COLUMN more int; INSERT INTO tenants VALUES ('second')`,
    'changed the schema too',
  ],
  [
    'a partition behind a schema',
    `ALTER TABLE shop ADD COLUMN more int; SELECT run('CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100)')`,
    'changed the schema too',
  ],
])('%s is rolled back', async (_, sql, said) => {
  const refused = await failureOf(apply({ 'V2__hidden.sql': sql }), 'MIGRATION_NOT_FOR_STANDBYS')
  expect(refused.message).toContain(said)
  expect(refused.message).toContain('-- capstan: schema')
  expect(
    await session.query(`SELECT to_regclass('parts_1') AS a, to_regclass('first') AS b, to_regclass('second') AS c`),
  ).toEqual([{ a: null, b: null, c: null }])
})

test('rows are no change of the schema, nor is what is temporary, off for a while, emptied, or built anew for a load', async () => {
  await apply({
    'V2__load.sql': `SET search_path = public; SET timezone = 'Asia/Tokyo'; CREATE TEMP TABLE scratch AS SELECT 1 AS id;
      SELECT run('ALTER TABLE tenants DISABLE TRIGGER USER; INSERT INTO tenants VALUES (''quiet''); ALTER TABLE tenants ENABLE TRIGGER USER');
      TRUNCATE shop; SELECT run('DROP INDEX shop_what; CREATE INDEX shop_what ON shop (what)')`,
    'V3__mixed.sql': `ALTER TABLE shop ADD COLUMN at timestamptz DEFAULT '2020-01-01 00:00+00'; INSERT INTO shop VALUES (1, 'x'); SET timezone = 'Asia/Tokyo';
      SET search_path = pg_catalog, public; TRUNCATE parts; UPDATE shop SET what = 'y';
      SELECT run('ALTER TABLE tenants DISABLE TRIGGER USER; ALTER TABLE tenants ENABLE TRIGGER USER')`,
  })
  expect(await session.query('SELECT what FROM shop')).toEqual([{ what: 'y' }])
})
