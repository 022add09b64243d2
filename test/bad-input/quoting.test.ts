/** Names and values of whatever text, against a real PostgreSQL: what it can hold comes back as it was, the rest is refused in a sentence. */
import fc from 'fast-check'
import { Failure } from '../../contracts/failures'
import { quoteIdentifier, quoteQualified } from '../../postgres/connect/quote'
import type { Session } from '../../postgres/connect/session'
import { startTestServer, type TestServer } from '../postgres/support/server'
import { brokenRules } from './support/tone'

let server: TestServer
let session: Session
beforeAll(async () => {
  server = await startTestServer(17)
  session = await (await server.database()).connect()
})
afterAll(async () => {
  await server?.stop()
})

/** Full of what matters in SQL, in a terminal and in a driver. */
const piece = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom(
    '"',
    '""',
    "'",
    '\\',
    ';',
    '--',
    '/*',
    '*/',
    '$$',
    '$1',
    '%s',
    '.',
    ' ',
    '\n',
    '\u001b[31m',
    '\u202E',
    'é',
    'e\u0301',
    '💥',
    'U&"',
    '\t',
  ),
)
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
const isName = (name: string): boolean =>
  name !== '' && !name.includes('\0') && !/\p{Cs}/u.test(name) && Buffer.byteLength(name) <= 63
const name = text.filter(isName)

/** Rules of tone that somebody's name, repeated as it was written, may break. */
const OF_THE_NAME = ['has single spaces', 'does not cry', 'holds no value of the program’s own', 'holds no stack trace']

function refusal(work: () => unknown): Failure {
  try {
    work()
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('It was accepted.')
}

test('every name that PostgreSQL can hold names a schema, a table and a column, and comes back as it was', async () => {
  await fc.assert(
    fc.asyncProperty(
      name.filter((one) => !one.startsWith('pg_')),
      name,
      name,
      async (schema, table, column) => {
        await session.execute('BEGIN')
        try {
          await session.execute(`CREATE SCHEMA ${quoteIdentifier(schema)}`)
          await session.execute(`CREATE TABLE ${quoteQualified(schema, table)} (${quoteIdentifier(column)} int)`)
          const found = await session.query(
            `SELECT nspname, relname, attname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
           JOIN pg_attribute a ON attrelid = c.oid AND attnum = 1 WHERE nspname = $1 AND relkind = 'r'`,
            [schema],
          )
          expect(found).toEqual([{ nspname: schema, relname: table, attname: column }])
        } finally {
          await session.execute('ROLLBACK')
        }
      },
    ),
    { numRuns: 150, examples: [[`a"b`, `'; DROP TABLE x; --`, 'ü'.repeat(31)]] },
  )
})

test('what PostgreSQL cannot hold as a name is refused in one sentence', () => {
  const long = fc.tuple(name, fc.constantFrom('x', 'ü', '💥')).map(([start, more]) => start + more.repeat(64))
  const wrong = fc.oneof(
    long,
    text.map((one) => `${one}\0`),
    text.map((one) => `${one}\uD800`),
    fc.constant(''),
  )
  fc.assert(
    fc.property(wrong, (one) => {
      const { code, message } = refusal(() => quoteIdentifier(one))
      expect(code).toBe('OPTION_INVALID')
      // The tone is that of the sentence around the name: a name of two spaces is repeated with both.
      expect(brokenRules(message.replace(/^The name ".*"/su, 'The name "x"'), { names: 'name' })).toEqual([])
      expect(brokenRules(message, { names: message, quoted: true }).filter((rule) => !OF_THE_NAME.includes(rule))).toEqual([])
    }),
    { numRuns: 1000, examples: [['  '.padEnd(66, 'x')], [`${'\u{10FFFE}'.repeat(80)}`], ['! '.repeat(40)]] },
  )
})

test('every value that PostgreSQL can hold as text comes back as it was, and never as SQL', async () => {
  const value = text.filter((one) => !one.includes('\0') && !/\p{Cs}/u.test(one))
  await fc.assert(
    fc.asyncProperty(value, async (one) => {
      expect(await session.query('SELECT $1::text AS value, length($1::text) AS length', [one])).toEqual([
        { value: one, length: [...one].length },
      ])
    }),
    { numRuns: 150 },
  )
})

test('a value with a NUL is refused by the server, and the session goes on', async () => {
  await expect(session.query('SELECT $1::text', ['a\0b'])).rejects.toMatchObject({ sqlState: '22021' })
  expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
})
