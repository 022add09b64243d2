import fc from 'fast-check'
import { MESSAGE_WORDS } from '../../postgres/connect/message-words'
import type { Session } from '../../postgres/connect/session'
import { shownMessage } from '../../postgres/connect/shown-message'
import { startTestServer, type TestServer } from './support/server'

const core = (code: string, message: string, more = {}) => ({ code, message, file: 'core.c', ...more })

test.each([
  ['22P02', 'invalid input syntax for type integer: "Ada Lovelace"', 'invalid input syntax for type integer: "…"'],
  ['22P02', 'invalid input syntax for type integer: "a" null "b"', 'invalid input syntax for type integer: "…"'],
  ['22P02', 'ungültige Eingabesyntax für Typ integer: »Ada«', '… integer: "…"'],
  ['22P02', 'syntaxe en entrée invalide pour le type integer : « Ada »', '… type integer : "…"'],
  ['22003', 'value "99999999999" is out of range for type integer', 'value "…" is out of range for type integer'],
  ['22001', 'value too long for type character varying(3)', 'value too long for type character varying(…)'],
  ['22021', 'invalid byte sequence for encoding "UTF8": 0xe9 0x20', 'invalid byte sequence for encoding "…": …'],
  ['22012', 'division by zero', 'division by zero'],
  ['22P02', 'invalid input syntax for type integer: "Ada', 'invalid input syntax for type integer: "…"'],
  ['22P02', 'invalid input "💥Ada" "x', 'invalid input "…"'],
  ['42703', 'column "nothing" does not exist', 'column "nothing" does not exist'],
  ['42703', 'Spalte »nothing« existiert nicht', '… »nothing« …'],
  ['42P01', 'relation "Ada Lovelace" does not exist', 'relation "…" does not exist'],
  ['42P01', 'relation "nothing" Ada "nothing" does not exist', 'relation "nothing" … "nothing" does not exist'],
  ['42P01', 'relation "noth" does not exist', 'relation "…" does not exist'],
  ['42601', 'syntax error at or near "Lovelace"', 'syntax error at or near "…"'],
  ['2BP01', 'cannot drop table t because other objects depend on it', 'cannot drop table t because other objects depend on it'],
  ['XX001', 'invalid page in block 17 of relation base/5/16400', 'invalid … in block 17 of relation base/5/16400'],
  ['XX002', 'heap tuple (3,4) from table "Ada" does not exist', 'heap tuple (3,4) from table "…" does not exist'],
  ['XX000', 'unexpected zero page at block 17', 'unexpected zero … at block …'],
  ['57014', 'canceling statement due to statement timeout', 'canceling statement due to statement timeout'],
  ['55P03', 'canceling statement due to lock timeout', 'canceling statement due to lock timeout'],
])('%s %s', (code, message, shown) => {
  expect(shownMessage(core(code, message), 'SELECT nothing FROM t')).toBe(shown)
})

test('a constraint that the server names apart is shown', () => {
  const error = core('23505', 'duplicate key value violates unique constraint "orders_pkey"', {
    constraint: 'orders_pkey',
    detail: 'Ada',
  })
  expect(shownMessage(error, 'INSERT INTO orders SELECT 1')).toBe('duplicate key value violates unique constraint "orders_pkey"')
})

test.each([
  [`RAISE EXCEPTION 'customer % owes %% %', name, sum`, 'customer Ada owes % 17', 'customer … owes % …'],
  [`RAISE EXCEPTION 'it''s over'`, "it's over", "it's over"],
  [`raise 'no level'`, 'no level', 'no level'],
  [`RAISE EXCEPTION '%', secret`, 'Ada', 'code in the database raised an exception; its text may hold values and is not shown'],
  [`PERFORM raise_elsewhere()`, 'Ada', 'code in the database raised an exception; its text may hold values and is not shown'],
  [`RAISE EXCEPTION 'a % b', x; RAISE EXCEPTION 'a % b and %', x, y`, 'a Ada b and Bob', 'a … b and …'],
])('of %s only what the statement says is shown', (sql, message, shown) => {
  expect(shownMessage({ code: 'P0001', message, file: 'pl_exec.c' }, `DO $$ BEGIN ${sql}; END $$`)).toBe(shown)
  // Whatever code it gives itself.
  expect(shownMessage({ code: '23505', message, file: 'pl_exec.c' }, `DO $$ BEGIN ${sql}; END $$`)).toBe(shown)
})

test('of many quoted pieces the first twenty different ones are looked for in the statement', () => {
  const pieces = Array.from({ length: 25 }, (_, i) => `p${i}`)
  const message = [...pieces, 'p0'].map((piece) => `"${piece}"`).join(' ')
  const shown = [...pieces.slice(0, 20), ...Array<string>(5).fill('…'), 'p0'].map((piece) => `"${piece}"`).join(' ')
  expect(shownMessage(core('42703', message), pieces.join(' '))).toBe(shown)
})

const wordsOf = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}\p{M}_$]+/gu) ?? []

test("whatever a message says, every word that is shown is PostgreSQL's, the statement's or a name given apart", () => {
  const piece = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.constantFrom('"', '«', '»', '„', '“', "'", '\n', '\u001b[31m', ' ', 'relation', 'orders', 'Ada', 'table', '17', 'key_1'),
  )
  const text = fc.array(piece, { maxLength: 20 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.constantFrom('22P02', '42703', '23505', '0A000', 'XX000'), text, (code, message) => {
      const sql = 'DELETE FROM orders WHERE id = 4'
      const shown = shownMessage(core(code, message, { constraint: 'key_1' }), sql)
      const allowed = code === '22P02' ? [] : [...wordsOf(sql), 'key_1']
      for (const word of wordsOf(shown)) expect(MESSAGE_WORDS.has(word) || allowed.includes(word)).toBe(true)
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    }),
    { numRuns: 2_000 },
  )
})

describe('on a server', () => {
  let server: TestServer
  let session: Session
  beforeAll(async () => {
    server = await startTestServer(17)
    session = await (await server.database()).connect()
    await session.execute(`CREATE TABLE people (name text);
      CREATE FUNCTION complain(text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'about % here', $1; END $$;
      CREATE FUNCTION lie(text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE unique_violation USING MESSAGE = 'key "' || $1 || '"'; END $$;
      CREATE FUNCTION run(text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT ' || $1; END $$`)
  })
  afterAll(() => server?.stop())

  test.each([
    'SELECT name::int FROM people',
    'SELECT name::timestamptz FROM people',
    'SELECT name::json FROM people',
    'SELECT name::regclass FROM people',
    'SELECT quote_ident(name)::regclass FROM people',
    'SELECT quote_ident(name)::regtype FROM people',
    'SELECT name::varchar(2)::bit(3) FROM people',
    "SELECT to_date(name, 'YYYY') FROM people",
    'SELECT to_char(1, name)::int FROM people',
    "SELECT 'x' ~ ('(' || name) FROM people",
    'SELECT complain(name) FROM people',
    'SELECT lie(name) FROM people',
    'SELECT run(name) FROM people',
    'SELECT run(quote_ident(name)) FROM people',
    "SELECT set_config('work_mem', name, false) FROM people",
    'SELECT set_config(name, name, false) FROM people',
    'SELECT pg_read_file(name) FROM people',
    'SELECT nextval(quote_ident(name)) FROM people',
    'SELECT has_table_privilege(quote_ident(name), name) FROM people',
    'CREATE UNIQUE INDEX ON people ((name::int))',
    'ALTER TABLE people ADD CHECK (name::numeric > 0)',
  ])('%s tells nothing of the name', async (sql) => {
    const letters = fc.stringMatching(/^[bdfghjkmpqvwxz]{6,9}$/)
    const separator = fc.constantFrom('', ' ', '"', '""', "'", '«', '»', '“', '\\', '\n', '.', ':', '%', ', ')
    const name = fc.tuple(letters, separator, letters, separator, letters)
    await fc.assert(
      fc.asyncProperty(name, async (parts) => {
        await session.query('TRUNCATE people')
        await session.query('INSERT INTO people VALUES ($1)', [parts.join('')])
        const message: string = await session.execute(sql).then(
          () => '',
          (error: Error) => error.message,
        )
        for (const secret of [parts[0], parts[2], parts[4]]) expect(message).not.toContain(secret)
      }),
      { numRuns: 15 },
    )
  })
})
