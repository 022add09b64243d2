import fc from 'fast-check'
import { loadGrammar, parseStatements } from '../../postgres/migrate/grammar'
import { splitStatements } from '../../postgres/migrate/split'
import { failureOf } from './support/apply'

beforeAll(() => loadGrammar())

const split = (text: string) => splitStatements('V1__x.sql', text)
const texts = (text: string) => split(text).map(({ sql }) => sql)
const refusal = (text: string) => failureOf(Promise.resolve().then(() => split(text)))

test.each<[string, string[]]>([
  ['', []],
  [';;; -- nothing\n/* at /* all */ */', []],
  ['SELECT 1', ['SELECT 1']],
  ["SELECT ';'; SELECT 2", ["SELECT ';'", 'SELECT 2']],
  ["SELECT 'it''s;'; SELECT 2", ["SELECT 'it''s;'", 'SELECT 2']],
  ["SELECT E'\\';'; SELECT 2", ["SELECT E'\\';'", 'SELECT 2']],
  ["SELECT E'a' \n 'b\\';'; SELECT 2", ["SELECT E'a' \n 'b\\';'", 'SELECT 2']],
  ["SELECT '\\'; SELECT 2", ["SELECT '\\'", 'SELECT 2']],
  ['SELECT ";""" ; SELECT 2', ['SELECT ";"""', 'SELECT 2']],
  ['DO $$ BEGIN; END $$; SELECT 2', ['DO $$ BEGIN; END $$', 'SELECT 2']],
  ['DO $a$ $b$ ; $$ ; $a$; SELECT 2', ['DO $a$ $b$ ; $$ ; $a$', 'SELECT 2']],
  ['SELECT a$b$c; SELECT $1', ['SELECT a$b$c', 'SELECT $1']],
  ['/* ; /* ; */ ; */ SELECT 1 -- ;\n; SELECT 2', ['SELECT 1', 'SELECT 2']],
  [
    'CREATE RULE r AS ON INSERT TO a DO ALSO (DELETE FROM b; DELETE FROM c); SELECT 2',
    ['CREATE RULE r AS ON INSERT TO a DO ALSO (DELETE FROM b; DELETE FROM c)', 'SELECT 2'],
  ],
  [
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 2',
    ['CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END', 'SELECT 2'],
  ],
  ['SELECT begin, atomic FROM t; SELECT 2', ['SELECT begin, atomic FROM t', 'SELECT 2']],
  ['\uFEFFSELECT 1; SELECT é\u00a0é', ['SELECT 1', 'SELECT é\u00a0é']],
])('%j', (text, statements) => {
  expect(texts(text)).toEqual(statements)
})

test('lines count from 1, whatever ends them, comments included', () => {
  expect(split('-- a\r\n/* b\n\n */ SELECT\r1;\n\nSELECT 2').map(({ line }) => line)).toEqual([4, 7])
})

test('COPY data is everything up to the closing line, and the next statement follows it', () => {
  const text = "COPY t (a) FROM stdin; -- data\n1;\\.\n'2\n\\.\nSELECT 1;\ncopy u from STDIN with (format csv);\r\n\\.\r\n"
  expect(split(text)).toMatchObject([
    { sql: 'COPY t (a) FROM stdin', copyData: "1;\\.\n'2\n" },
    { sql: 'SELECT 1', copyData: null, line: 5 },
    { sql: 'copy u from STDIN with (format csv)', copyData: '' },
  ])
  expect(split("COPY t FROM '/file'; SELECT 1")).toMatchObject([{ copyData: null }, { copyData: null }])
})

test.each([
  ["SELECT 1;\nSELECT 'a", 'MIGRATION_SYNTAX_ERROR', "V1__x.sql:2: a string that never ends: close it with '."],
  ['SELECT "a', 'MIGRATION_SYNTAX_ERROR', 'V1__x.sql:1: a quoted identifier that never ends: close it with ".'],
  ['\n/* /* */', 'MIGRATION_SYNTAX_ERROR', 'V1__x.sql:2: a comment that never ends: close it with */.'],
  ['DO $x$ BEGIN', 'MIGRATION_SYNTAX_ERROR', 'V1__x.sql:1: a string quoted by $x$ that never ends: close it with the same.'],
  [
    'COPY t FROM stdin;\n1\n',
    'MIGRATION_SYNTAX_ERROR',
    'V1__x.sql:1: COPY data that never end: put a line with only \\. behind them.',
  ],
  [
    'COPY t FROM stdin',
    'MIGRATION_SYNTAX_ERROR',
    'V1__x.sql:1: COPY … FROM stdin without a semicolon and data after it: put both there.',
  ],
  ['SELECT 1\n\0', 'MIGRATION_SYNTAX_ERROR', 'V1__x.sql:2: a NUL character, which SQL cannot hold: remove it.'],
  [
    'SELECT 1;\n\\connect other',
    'MIGRATION_UNSUPPORTED',
    'V1__x.sql:2: psql commands that start with a backslash cannot run here: remove it.',
  ],
])('%j is refused with its line', async (text, code, message) => {
  expect(await refusal(text)).toMatchObject({ code, message })
})

/** Statements that hide semicolons everywhere. */
const statement = fc.constantFrom(
  'SELECT 1',
  "SELECT 'a;''b', E'\\';', U&'\\0061;', B'1'",
  'SELECT "a;""b" FROM "t;"',
  'DO $$ BEGIN PERFORM 1; END $$',
  "DO $tag$ BEGIN EXECUTE 'x; $$ '; END $tag$",
  'CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE a WHEN 1 THEN 2 END; END',
  'CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); END',
  'CREATE RULE r AS ON UPDATE TO t DO INSTEAD (UPDATE a SET b = 1; NOTIFY c)',
  'UPDATE t SET "end" = CASE WHEN a THEN b END',
  'SELECT 1 /* ; */ + 2 -- ;\n + 3',
  'SELECT é$é FROM ü',
  "CREATE TABLE t (a int DEFAULT 1, b text CHECK (b <> ';'))",
)
const gap = fc
  .array(fc.constantFrom(' ', '\n', '\r\n', '\t', ';', '-- ; \' " $$\n', '/* ; \' /* $$ */ " */'), { maxLength: 4 })
  .map((parts) => parts.join(''))

test('joined statements come apart again, byte for byte and on the right line', () => {
  fc.assert(
    fc.property(gap, fc.array(fc.tuple(statement, gap), { maxLength: 8 }), (lead, parts) => {
      let text = lead
      const expected = parts.map(([sql, after]) => {
        const line = (text.match(/\r\n|\r|\n/g)?.length ?? 0) + 1
        text += `${sql}\n;${after}`
        return { sql, line }
      })
      expect(split(text).map(({ sql, line }) => ({ sql, line }))).toEqual(expected)
    }),
    { numRuns: 500 },
  )
})

test("statements end where PostgreSQL's own grammar ends them", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(statement, gap), { minLength: 1, maxLength: 6 }), (parts) => {
      const text = parts.map(([sql, after]) => `${sql}\n;${after}`).join('')
      const whole = parseStatements(text).map(({ type }) => type)
      const single = split(text).flatMap(({ sql }) => parseStatements(sql).map(({ type }) => type))
      expect(single).toEqual(whole)
    }),
    { numRuns: 200 },
  )
})

test('no text makes the splitter lose or invent anything but blanks, comments and semicolons', () => {
  const noise = fc.array(
    fc.constantFrom("'", '"', '$$', '$a$', ';', '(', ')', '--', '\n', '/*', '*/', 'a', 'E', ' ', '\\', 'é', '1'),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(noise, (parts) => {
      const text = parts.join('')
      let statements: ReturnType<typeof split>
      try {
        statements = split(text)
      } catch (error) {
        expect(error).toMatchObject({ name: 'Failure' })
        return
      }
      let at = 0
      for (const { sql } of statements) {
        const found = text.indexOf(sql, at)
        expect(found).toBeGreaterThanOrEqual(at)
        at = found + sql.length
      }
    }),
    { numRuns: 2000 },
  )
})
