import fc from 'fast-check'
import type { Session } from '../../postgres/connect/session'
import { LAST_AGE, wrapRisk } from '../../postgres/health/checks/wraparound'
import { type SequenceFacts, sequenceRoom } from '../../postgres/health/sequence-room'
import { typeable } from '../../postgres/health/words'
import { printable } from '../../postgres/printable'
import { startTestServer, type TestServer } from './support/server'

let server: TestServer
let session: Session
beforeAll(async () => {
  server = await startTestServer(17)
  session = await (await server.database()).connect()
})
afterAll(() => server?.stop())

test('whatever a name holds, it can be typed as it is shown, and no terminal obeys it', async () => {
  const awkward = fc.constantFrom('"', '\\', '\n', '\u001b', '\u202e', '\u200b', '\u{e0041}', '.', '+', 'é', '名', ' ', 'A', '$')
  const name = fc.array(fc.oneof(awkward, fc.string({ unit: 'grapheme', maxLength: 2 })), { minLength: 1, maxLength: 8 })
  const storable = name
    .map((parts) => parts.join('').replaceAll('\0', ''))
    .filter((text) => text !== '' && Buffer.byteLength(text) <= 63 && !/\p{Cs}/u.test(text))
  await fc.assert(
    fc.asyncProperty(storable, storable, async (schema, table) => {
      const [quoted] = await session.query<{ shown: string }>(`SELECT quote_ident($1) || '.' || quote_ident($2) AS shown`, [
        schema,
        table,
      ])
      const shown = typeable(quoted?.shown ?? '')
      expect(printable(shown)).toBe(shown)
      await session.execute(`BEGIN; CREATE SCHEMA IF NOT EXISTS ${typeable(await quotedName(schema))}; CREATE TABLE ${shown} ()`)
      const [made] = await session.query<{ schema: string; name: string }>(
        `SELECT n.nspname::text AS schema, c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind = 'r' ORDER BY c.oid DESC LIMIT 1`,
      )
      await session.execute('ROLLBACK')
      expect(made).toEqual({ schema, name: table })
    }),
    { numRuns: 100 },
  )
})

async function quotedName(name: string): Promise<string> {
  const [row] = await session.query<{ shown: string }>('SELECT quote_ident($1) AS shown', [name])
  return row?.shown ?? ''
}

test('several names stay apart', () => {
  expect(typeable('orders, "a.b", "x\u001b"')).toBe('orders, "a.b", U&"x\\+00001b"')
})

/** Counts by asking for one value after the other. */
function countLeft({ last, min, max, increment, cycles, column }: SequenceFacts): number {
  let value = last
  for (let given = 0; given < 1_000; given += 1) {
    value += increment
    if (value > max || value < min) {
      if (!cycles) return given
      value = increment > 0n ? min : max
    }
    if (column !== null && (value > column.max || value < column.min)) return given
  }
  return Number.POSITIVE_INFINITY
}

const facts: fc.Arbitrary<SequenceFacts> = fc
  .record({
    min: fc.integer({ min: -40, max: 20 }),
    span: fc.integer({ min: 1, max: 60 }),
    increment: fc.integer({ min: -5, max: 5 }).filter((by) => by !== 0),
    cycles: fc.boolean(),
    used: fc.double({ min: 0, max: 1, noNaN: true }),
    column: fc.option(fc.integer({ min: 1, max: 50 }), { nil: null }),
  })
  .map(({ min, span, increment, cycles, used, column }) => ({
    last: BigInt(min + Math.round(span * used)),
    min: BigInt(min),
    max: BigInt(min + span),
    increment: BigInt(increment),
    cycles,
    column: column === null ? null : { min: BigInt(-column - 1), max: BigInt(column) },
  }))

test('what a sequence has left is what it gives before it fails', () => {
  fc.assert(
    fc.property(facts, (sequence) => {
      const { last, column, increment } = sequence
      // one that is beyond the other end of its column has failed long ago
      fc.pre(column === null || (increment > 0n ? last >= column.min : last <= column.max))
      fc.pre(column === null || (increment > 0n ? sequence.min >= column.min : sequence.max <= column.max))
      const room = sequenceRoom(sequence)
      const left = countLeft(sequence)
      if (room === null) expect(left).toBe(Number.POSITIVE_INFINITY)
      else if (!sequence.cycles) expect(Number(room.left)).toBe(left)
      // one that begins again may step over the end of its column a few times first
      else expect(left).toBeGreaterThanOrEqual(Number(room.left))
    }),
    { numRuns: 1_000 },
  )
})

test('its share is within 0 and 100, grows with every value, and is 100 only when nothing is left', () => {
  fc.assert(
    fc.property(facts, (sequence) => {
      const room = sequenceRoom(sequence)
      const next = sequenceRoom({ ...sequence, last: sequence.last + sequence.increment })
      if (room === null || next === null) return
      expect(room.usedPercent).toBeGreaterThanOrEqual(0)
      expect(room.usedPercent).toBeLessThanOrEqual(100)
      expect(next.usedPercent).toBeGreaterThanOrEqual(room.usedPercent)
      expect(room.usedPercent === 100).toBe(room.left === 0n)
    }),
    { numRuns: 1_000 },
  )
})

test('a bigint sequence is measured beyond 2^53', () => {
  const max = 2n ** 63n - 1n
  const sequence = { last: max - 1n, min: 1n, max, increment: 1n, cycles: false, column: null }
  expect(sequenceRoom(sequence)).toEqual({ usedPercent: 99, left: 1n, endedBy: 'sequence' })
})

test('the risk of a wraparound never falls as ids grow older, and is critical long before none is left', () => {
  const ranks = [null, 'warning', 'critical']
  const age = fc.integer({ min: 0, max: LAST_AGE })
  fc.assert(
    fc.property(age, age, fc.integer({ min: 100_000, max: 2_000_000_000 }), (one, other, freezeMaxAge) => {
      const [younger, older] = one < other ? [one, other] : [other, one]
      expect(ranks.indexOf(wrapRisk(older, freezeMaxAge))).toBeGreaterThanOrEqual(ranks.indexOf(wrapRisk(younger, freezeMaxAge)))
    }),
  )
  expect([250_000_000, 300_000_000, 1_500_000_000].map((ids) => wrapRisk(ids, 200_000_000))).toEqual([
    null,
    'warning',
    'critical',
  ])
  expect(wrapRisk(1_400_000_000, 2_000_000_000)).toBeNull()
  expect(wrapRisk(LAST_AGE - 500_000_000, 2_000_000_000)).toBe('critical')
})
