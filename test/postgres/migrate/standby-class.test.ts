/** What a file means for standbys: by its statements, each refusal with its line. */
import fc from 'fast-check'
import { planMigrations } from '../../../postgres/migrate/plan'
import type { PlannedMigration } from '../../../postgres/migrate/plan-script'
import { refuseForStandbys, stretches } from '../../../postgres/migrate/standby-class'
import { failureOf, resolve } from '../support/apply'

async function planned(...contents: readonly string[]): Promise<readonly PlannedMigration[]> {
  const scripts = Object.fromEntries(contents.map((content, index) => [`V${index + 1}__x.sql`, content]))
  return (await planMigrations({ resolved: resolve(scripts), history: [] })).pending
}

async function classified(content: string) {
  const [file] = await planned(content)
  return file!.standby
}

const CLASSES = {
  schema: [
    'ALTER TABLE t ADD COLUMN a int',
    'ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT -1',
    `ALTER TABLE t ADD COLUMN a jsonb DEFAULT '{}'::jsonb, ADD b text[] DEFAULT ARRAY['x']::text[], ADD c timestamptz DEFAULT 'epoch'`,
    'ALTER TABLE t DROP COLUMN a; ALTER TABLE t RENAME TO u',
    'ALTER TABLE t ALTER a TYPE bigint USING a::bigint',
    'ALTER TABLE t ALTER a SET DEFAULT now(), ALTER b SET NOT NULL',
    `CREATE TYPE mood AS ENUM ('a'); ALTER TYPE mood ADD VALUE 'b'`,
    'CREATE TABLE n (id serial PRIMARY KEY, at timestamptz DEFAULT now()); ALTER TABLE n ADD COLUMN more uuid DEFAULT gen_random_uuid()',
    'CREATE VIEW v AS SELECT 1; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$; GRANT SELECT ON v TO app',
    'CREATE MATERIALIZED VIEW m AS SELECT 1 AS one; REFRESH MATERIALIZED VIEW m',
    `SET lock_timeout = '1s'; SELECT pg_catalog.set_config('search_path', '', false); CREATE INDEX i ON t (a); ANALYZE t`,
    '-- capstan: schema\nDO $$ BEGIN EXECUTE $q$CREATE TABLE n (id int PRIMARY KEY)$q$; END $$',
    'DROP TABLE t',
    'ALTER TABLE t ALTER a TYPE text USING upper(left(trim(a), 3)), ALTER b TYPE int USING pg_catalog.ascii(b)',
    '-- capstan: schema\nALTER TABLE t ALTER a TYPE int USING shop.rated(a)',
    'CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$; CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()',
    'ALTER EVENT TRIGGER e DISABLE; ALTER TABLE t ADD COLUMN a int',
  ],
  rows: [
    'INSERT INTO t VALUES (1)',
    'WITH gone AS (DELETE FROM t RETURNING id) INSERT INTO u SELECT id FROM gone',
    `UPDATE t SET a = 1; DELETE FROM t; TRUNCATE u; SELECT setval('s', 10)`,
    'MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE',
    'COPY t FROM stdin;\n1\n\\.\n',
    'CREATE TEMP TABLE x AS SELECT 1; INSERT INTO t SELECT * FROM x',
    '-- capstan: rows\nDO $$ BEGIN UPDATE t SET a = 1; END $$',
    '-- capstan: rows\nCALL backfill()',
    '-- capstan: repeatable\n-- capstan: rows\nCALL backfill()',
    'EXPLAIN ANALYZE DELETE FROM t',
  ],
  free: [
    'CREATE INDEX CONCURRENTLY i ON t (a)',
    'DROP INDEX CONCURRENTLY i; SET lock_timeout = 0; VACUUM t',
    'REINDEX TABLE t',
    'REINDEX INDEX CONCURRENTLY i',
    'ANALYZE t',
    '-- nothing',
  ],
  mixed: [
    'ALTER TABLE t ADD COLUMN a int; UPDATE t SET a = 1',
    'CREATE TABLE n (id int PRIMARY KEY); ALTER TABLE n ADD CHECK (id > 0); CREATE UNIQUE INDEX i ON n (id); INSERT INTO n VALUES (1)',
    `CREATE TYPE mood AS ENUM ('a'); ALTER TABLE t ADD COLUMN m mood DEFAULT 'a'; INSERT INTO t DEFAULT VALUES; ANALYZE t`,
  ],
} as const

test.each(Object.entries(CLASSES).flatMap(([kind, all]) => all.map((content) => [kind, content] as const)))(
  '%s: %s',
  async (kind, content) => {
    expect(await classified(content)).toMatchObject({ class: kind, refusals: [] })
  },
)

/** The line that is refused, and a word of why. */
const REFUSED: readonly (readonly [string, number, string])[] = [
  ['UPDATE t SET a = 1;\nALTER TABLE t ADD COLUMN b int', 2, 'behind statements that change rows'],
  [
    'ALTER TABLE t ADD COLUMN a int;\nUPDATE t SET a = 1;\nALTER TABLE t ADD COLUMN b int',
    3,
    'behind statements that change rows',
  ],
  ['ALTER TABLE t DROP COLUMN a;\nUPDATE t SET b = 1', 1, 'removes, renames or narrows'],
  ['ALTER TABLE t RENAME a TO b;\nUPDATE t SET b = 1', 1, 'removes, renames or narrows'],
  ['ALTER TABLE t ADD COLUMN a int NOT NULL;\nINSERT INTO t VALUES (1)', 1, 'removes, renames or narrows'],
  ['ALTER TABLE t ADD CHECK (a > 0);\nINSERT INTO t VALUES (1)', 1, 'removes, renames or narrows'],
  ['CREATE UNIQUE INDEX i ON t (a);\nINSERT INTO t VALUES (1)', 1, 'removes, renames or narrows'],
  ['SET ROLE other;\nALTER TABLE t ADD COLUMN a int;\nUPDATE t SET a = 1', 1, 'changes the role'],
  ['CREATE INDEX CONCURRENTLY i ON t (a);\nALTER TABLE t ADD COLUMN b int', 2, 'outside of transactions'],
  ['VACUUM t;\nDELETE FROM t', 2, 'outside of transactions'],
  ['\nALTER TABLE t ADD COLUMN a timestamptz DEFAULT now()', 2, 'without a default'],
  [`ALTER TABLE t ADD COLUMN a timestamptz DEFAULT 'now'`, 1, 'without a default'],
  [`ALTER TABLE t ADD COLUMN a date DEFAULT 'today'::date`, 1, 'without a default'],
  ['ALTER TABLE t ADD COLUMN a timestamptz DEFAULT CURRENT_TIMESTAMP', 1, 'without a default'],
  ['ALTER TABLE t ADD COLUMN a bigserial', 1, 'without a default'],
  ['ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS IDENTITY', 1, 'without a default'],
  [`ALTER TABLE t ADD COLUMN a regclass DEFAULT 'u'`, 1, 'without a default'],
  ['ALTER TABLE t ALTER a TYPE timestamptz USING clock_timestamp()', 1, 'fill it by UPDATE'],
  ['ALTER TABLE t ALTER a TYPE int USING rated(a)', 1, 'whether rated() comes to the same'],
  [
    'SET lock_timeout = 0;\nALTER TABLE t ALTER a TYPE int USING upper(shop.rated(a))',
    2,
    'whether shop.rated() comes to the same',
  ],
  ['\nALTER EVENT TRIGGER e ENABLE;\nALTER TABLE t ADD COLUMN a int', 2, 'event trigger'],
  ['CREATE TABLE n (id int);\nCREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()', 2, 'event trigger'],
  ['CREATE TABLE n AS SELECT 1', 1, 'INSERT … SELECT'],
  ['SELECT 1 AS one INTO n', 1, 'INSERT … SELECT'],
  ['CREATE UNLOGGED TABLE n (id int)', 1, 'unlogged'],
  ['ALTER TABLE t SET LOGGED', 1, 'unlogged'],
  ['ALTER TABLE t DETACH PARTITION p CONCURRENTLY', 1, 'without CONCURRENTLY'],
  ['ALTER TABLE t DETACH PARTITION p FINALIZE', 1, 'without CONCURRENTLY'],
  ['CREATE PUBLICATION p FOR TABLE t', 1, 'publications and subscriptions'],
  ['DROP PUBLICATION p', 1, 'publications and subscriptions'],
  ['ALTER PUBLICATION p OWNER TO x', 1, 'publications and subscriptions'],
  ['ALTER SUBSCRIPTION s DISABLE', 1, 'publications and subscriptions'],
  ['DROP TABLE capstan.schema_line', 1, 'the schema capstan'],
  ['DROP SCHEMA capstan CASCADE', 1, 'the schema capstan'],
  ['DELETE FROM capstan.schema_line', 1, 'the schema capstan'],
  ['TRUNCATE t, capstan.fence', 1, 'the schema capstan'],
  ['ALTER TABLE t SET SCHEMA capstan', 1, 'the schema capstan'],
  ['SET search_path TO capstan', 1, 'the schema capstan'],
  ['GRANT CONNECT ON DATABASE shop TO app', 1, 'about the server'],
  ['ALTER DATABASE shop SET work_mem = 1', 1, 'about the server'],
  ['CALL f()', 1, '-- capstan: rows'],
  ['\nDO $$ BEGIN END $$', 2, '-- capstan: rows'],
  ['PREPARE p AS DELETE FROM t;\nEXECUTE p', 2, '-- capstan: rows'],
  ['-- capstan: schema\nCALL f()', 2, 'without COMMIT'],
  ['SELECT 1; -- capstan: rows\nDO $$ BEGIN END $$', 2, '-- capstan: rows'],
]

test.each(REFUSED)('refused: %s', async (content, line, reason) => {
  const { refusals } = await classified(content)
  expect(refusals.map((one) => one.line)).toEqual([line])
  expect(refusals[0]!.reason).toContain(reason)
})

test('names file and line of all that is refused, and what the standby’s server has to have', async () => {
  const files = await planned(
    'ALTER TABLE t ADD a int',
    '\nCREATE TABLE n AS SELECT 1',
    'CREATE EXTENSION hstore; CREATE ROLE mine; GRANT mine TO app',
  )
  const refused = await failureOf((async () => refuseForStandbys(files))(), 'MIGRATION_NOT_FOR_STANDBYS')
  expect(refused.message).toContain('V2__x.sql:2: each side')
  expect(refused.facts).toEqual({ script: 'V2__x.sql', line: 2, refusals: 1 })
  expect(files[2]!.standby).toMatchObject({ extensions: ['hstore'], roles: ['app'] })
  refuseForStandbys([files[0]!, files[2]!])
})

const PARTS = {
  adds: 'ALTER TABLE t ADD COLUMN a int',
  narrows: 'ALTER TABLE t DROP COLUMN a',
  rows: 'UPDATE t SET a = 1',
  free: 'VACUUM t',
  neutral: `SET lock_timeout = '1s'`,
} as const
type Part = keyof typeof PARTS

test('whatever stands in one file in whatever order: rows are behind all that changes the schema, or it is refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...(Object.keys(PARTS) as Part[])), { maxLength: 6 }), async (parts) => {
      const found = await classified(parts.map((part) => PARTS[part]).join(';\n'))
      const at = (part: Part) => parts.flatMap((one, index) => (one === part ? [index] : []))
      const schema = [...at('adds'), ...at('narrows')]
      const hasFree = at('free').length > 0
      const apart = hasFree && (schema.length > 0 || at('rows').length > 0)
      const mixed = schema.length > 0 && at('rows').length > 0
      const torn = mixed && (at('narrows').length > 0 || Math.max(...schema) > Math.min(...at('rows')))
      expect(found.refusals.length > 0).toBe(apart || torn)
      for (const { line } of found.refusals) expect(['adds', 'narrows', 'rows']).toContain(parts[line - 1])
      expect(found.rowsFrom).toBe(mixed && !hasFree ? Math.min(...at('rows')) : null)
    }),
    { numRuns: 150 },
  )
})

const FILES = ['ALTER TABLE t ADD COLUMN a int', 'CREATE TABLE n (id int PRIMARY KEY)', 'VACUUM t', 'UPDATE t SET a = 1'] as const

test('stretches keep the order, leave nothing out, and hold one file at most that changes which tables there are', async () => {
  const files = await planned(...FILES)
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...files), { maxLength: 10 }), (pending) => {
      const cut = stretches(pending)
      expect(cut.flat()).toEqual(pending)
      for (const stretch of cut) {
        expect(stretch.length).toBeGreaterThan(0)
        expect(stretch.filter(({ standby }) => standby.changesTables).length).toBeLessThanOrEqual(1)
        expect(new Set(stretch.map(({ standby }) => standby.class === 'free')).size).toBe(1)
      }
    }),
  )
})
