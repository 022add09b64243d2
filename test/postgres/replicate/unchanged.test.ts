/** A schema that has changed is seen, and one that was written to is not taken for changed. */
import type { Session } from '../../../postgres/connect/session'
import { schemaContents, schemaStamp } from '../../../postgres/replicate/unchanged'
import { startTestServer, type TestServer } from '../support/server'

let server: TestServer
let session: Session
beforeAll(async () => {
  server = await startTestServer(17)
  session = await (await server.database()).connect()
  await session.execute(`CREATE TABLE shop (id int PRIMARY KEY, what text); CREATE SEQUENCE tickets; CREATE PUBLICATION p FOR TABLE shop;
    CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE mood AS ENUM ('good'); CREATE TABLE other (n int)`)
})
afterAll(() => server?.stop())

test.each([
  ['rows', 'INSERT INTO shop VALUES (1), (2); UPDATE shop SET what = 1; DELETE FROM shop'],
  ['a vacuum', 'VACUUM ANALYZE'],
  ['a sequence', `SELECT nextval('tickets')`],
  ['what is temporary', 'CREATE TEMP TABLE passing (id serial PRIMARY KEY, what text); CREATE INDEX ON passing (what)'],
])('%s is no change', async (_, sql) => {
  const before = [await schemaStamp(session), await schemaContents(session)]
  await session.execute(sql)
  expect([await schemaStamp(session), await schemaContents(session)]).toEqual(before)
})

test.each([
  'CREATE TABLE late (n int)',
  'ALTER TABLE shop ADD COLUMN more int',
  'ALTER TABLE shop ALTER COLUMN what SET DEFAULT 2',
  'ALTER TABLE shop ADD CHECK (id > 0)',
  'CREATE INDEX ON shop (what)',
  'GRANT SELECT ON shop TO PUBLIC',
  'ALTER SEQUENCE tickets INCREMENT 2',
  `CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 2'`,
  `ALTER TYPE mood ADD VALUE 'bad'`,
  'CREATE SCHEMA apart',
  'CREATE VIEW shown AS SELECT id FROM shop',
  'ALTER PUBLICATION p ADD TABLE other',
  'ALTER TABLE shop ENABLE ROW LEVEL SECURITY',
  'DROP TABLE other',
])('%s is one', async (sql) => {
  const before = [await schemaStamp(session), await schemaContents(session)]
  await session.execute(sql)
  expect(await schemaStamp(session)).not.toBe(before[0])
  expect(await schemaContents(session)).not.toBe(before[1])
})

test.each([
  'TRUNCATE shop RESTART IDENTITY',
  'ALTER TABLE shop DISABLE TRIGGER USER; ALTER TABLE shop ENABLE TRIGGER USER',
  'CREATE TABLE brief (n int); DROP TABLE brief; ANALYZE',
])('%s says in the end what there was', async (sql) => {
  const before = await schemaContents(session)
  await session.execute(sql)
  expect(await schemaContents(session)).toBe(before)
})
