/** What no grammar tells of a file: what its functions and blocks do, and whom its event triggers fire for. It is rolled back with the lines that hide it, or comes
 *  out alike. */
import { failureOf } from '../support/apply'
import { applyAtSource, bothAlike, type Lined, lined, migrateBoth } from './lines'
import { type ReplicatingServer, startReplicating, valuesOf } from './support'

let server: ReplicatingServer
beforeAll(async () => {
  server = await startReplicating(17)
})
afterAll(() => server?.server.stop())

const BASE = { 'V1__base.sql': 'CREATE TABLE accounts (id int PRIMARY KEY); INSERT INTO accounts VALUES (1)' }
const WIDEN = {
  'V2__widen.sql': `CREATE TYPE mood AS ENUM ('a'); CREATE FUNCTION widen() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER TYPE mood ADD VALUE 'b'; END $$`,
}

async function refusedAtSource(pair: Lined, files: Readonly<Record<string, string>>): Promise<string> {
  return (await failureOf(applyAtSource(pair, files), 'MIGRATION_NOT_FOR_STANDBYS')).message
}

test('a label that is added by what counts as rows is rolled back, with its lines; by a block of schema each side has it', async () => {
  const pair = await lined(server, server, BASE)
  await migrateBoth(pair, WIDEN)
  const called = await refusedAtSource(pair, { ...WIDEN, 'V3__called.sql': 'DELETE FROM accounts;\nSELECT widen()' })
  expect(called).toMatch(/^V3__called\.sql:2 was rolled back: .*\bmood\b/)
  const block = await refusedAtSource(pair, {
    ...WIDEN,
    'V3__block.sql': '\n-- capstan: rows\nDO $$ BEGIN PERFORM widen(); END $$',
  })
  expect(block).toMatch(/^V3__block\.sql:3 was rolled back: .*\bmood\b/)
  await migrateBoth(pair, { ...WIDEN, 'V3__schema.sql': '-- capstan: schema\nDO $$ BEGIN PERFORM widen(); END $$' })
  for (const { master } of [pair.source, pair.standby])
    expect(await valuesOf(master, 'SELECT enumlabel FROM pg_enum ORDER BY enumsortorder')).toEqual(['a', 'b'])
  await bothAlike(pair)
})

test('rows that a block of schema writes are rolled back, with its line', async () => {
  const pair = await lined(server, server, BASE)
  const both = 'DO $$ BEGIN ALTER TABLE accounts ADD COLUMN k int; UPDATE accounts SET k = 1; END $$'
  const refused = await refusedAtSource(pair, { 'V2__both.sql': `-- capstan: schema\n${both}` })
  expect(refused).toMatch(/^V2__both\.sql:2 was rolled back: .*public\.accounts/)
  await migrateBoth(pair, {
    'V2__schema.sql': '-- capstan: schema\nDO $$ BEGIN ALTER TABLE accounts ADD COLUMN k int DEFAULT 1; END $$',
    'V3__rows.sql': 'UPDATE accounts SET k = 2',
  })
  await bothAlike(pair)
})

test('an event trigger that a file makes fires on the source, and on the standby for nothing that is carried over', async () => {
  const pair = await lined(server, server, BASE)
  await pair.source.superuser.execute('ALTER ROLE master SUPERUSER')
  await migrateBoth(pair, {
    'V2__audit.sql': `CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tag text);
      CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.audit (tag) VALUES (tg_tag); END $$`,
    'V3__trigger.sql': 'CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION noted()',
    'V4__column.sql': 'ALTER TABLE accounts ADD COLUMN k int',
    'V5__block.sql': '-- capstan: schema\nDO $$ BEGIN ALTER TABLE accounts ADD COLUMN l int; END $$',
  })
  const enabled = 'SELECT evtenabled::text FROM pg_event_trigger'
  expect(await valuesOf(pair.source.master, enabled)).toEqual(['O'])
  expect(await valuesOf(pair.standby.master, enabled)).toEqual(['D'])
  expect(await valuesOf(pair.source.master, `SELECT count(*)::int FROM audit WHERE tag = 'ALTER TABLE'`)).toEqual([2])
  await bothAlike(pair)
})
