/** Sequences carried over: no value that the source gave is ever given by the standby. */
import fc from 'fast-check'
import type { Session } from '../../../../postgres/connect/session'
import { carriedPosition, type SequencePosition, type SequenceShape } from '../../../../postgres/replicate/watch/carried-value'
import { carrySequences, planSequences, readSequences } from '../../../../postgres/replicate/watch/sequences'
import { startTestServer, type TestServer } from '../../support/server'

let servers: Record<15 | 17, TestServer>
beforeAll(async () => {
  const [older, newer] = await Promise.all([startTestServer(15), startTestServer(17)])
  servers = { 15: older, 17: newer }
})
afterAll(() => Promise.all(Object.values(servers ?? {}).map((server) => server.stop())))

interface Drawn {
  readonly type: 'smallint' | 'integer' | 'bigint'
  readonly increment: number
  /** Of a range that may be narrow; null: the type's own. */
  readonly span: number | null
  /** How many values were given before the source is read, and after. */
  readonly before: number
  readonly after: number
  readonly margin: number
  /** Of the standby's own, which a migration has drawn. */
  readonly there: number
  /** The standby's session has planned where it looks. */
  readonly planned: boolean
}

const aSequence: fc.Arbitrary<Drawn> = fc
  .record({
    type: fc.constantFrom<Drawn['type'][]>('smallint', 'integer', 'bigint'),
    increment: fc.integer({ min: -9, max: 9 }).filter((step) => step !== 0),
    span: fc.option(fc.integer({ min: 10, max: 60 }), { nil: null }),
    before: fc.integer({ min: 0, max: 6 }),
    margin: fc.integer({ min: 0, max: 5 }),
    share: fc.integer({ min: 0, max: 5 }),
    there: fc.integer({ min: 0, max: 3 }),
    planned: fc.boolean(),
  })
  .map(({ share, ...rest }) => ({ ...rest, after: Math.min(share, rest.margin) }))

const createSql = (name: string, { type, increment, span }: Drawn, cycle = '') =>
  `CREATE SEQUENCE ${name} AS ${type} INCREMENT ${increment}${span === null ? '' : ` MINVALUE ${-span} MAXVALUE ${span}`} ${cycle}`

/** Draws until it gives no more; each value is given, whatever comes after. */
const DRAWING = `CREATE FUNCTION drawn(name text, count int) RETURNS text[] LANGUAGE plpgsql AS $$
  DECLARE given text[] := '{}';
  BEGIN
    FOR n IN 1..count LOOP given := given || nextval(name::regclass)::text; END LOOP;
    RETURN given;
  EXCEPTION WHEN sequence_generator_limit_exceeded THEN RETURN given;
  END $$`

async function draw(session: Session, name: string, count: number): Promise<string[]> {
  const [row] = await session.query<{ given: string[] }>('SELECT drawn($1, $2) AS given', [name, count])
  return row!.given
}

describe.each([15, 17] as const)('PostgreSQL %i to 17', (major) => {
  let source: Session
  let standby: Session
  let superuser: Session
  let sessionAtSource: () => Promise<Session>
  beforeAll(async () => {
    const here = await servers[major].database()
    sessionAtSource = () => here.connect()
    source = await sessionAtSource()
    const there = await servers[17].database()
    standby = await there.connect()
    superuser = await there.connectAsSuperuser()
    for (const side of [source, standby]) await side.execute(DRAWING)
  })
  beforeEach(async () => {
    for (const side of [source, standby]) await side.execute('DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s')
  })

  test('no value that the source gave, or gives while the margin lasts, is given by the standby', async () => {
    let count = 0
    await fc.assert(
      fc.asyncProperty(aSequence, async (drawn) => {
        const name = `s.q${++count}`
        for (const side of [source, standby]) await side.execute(createSql(name, drawn))
        const given = await draw(source, name, drawn.before)
        await draw(standby, name, drawn.there)
        const read = await readSequences(source)
        given.push(...(await draw(source, name, drawn.after)))
        const shapes = drawn.planned ? await planSequences(standby) : undefined
        const carry = () => carrySequences({ source: read, standby, margin: drawn.margin, shapes })
        const { findings } = await carry()
        const [first] = await draw(standby, name, 1)
        // who repeats it puts nothing back
        await carry()
        const values = [...(first === undefined ? [] : [first]), ...(await draw(standby, name, 8))]
        expect(new Set(values).size).toBe(values.length)
        expect(values.filter((value) => given.includes(value))).toEqual([])
        if (first === undefined) expect(findings).toEqual([expect.objectContaining({ rule: 'sequence-exhausted' })])
        await Promise.all([source, standby].map((side) => side.execute(`DROP SEQUENCE ${name}`)))
      }),
      { numRuns: 40 },
    )
  })

  test('one that begins anew is put as far on as the source would be', async () => {
    let count = 0
    await fc.assert(
      fc.asyncProperty(aSequence, fc.integer({ min: 0, max: 40 }), async (drawn, margin) => {
        const name = `s.c${++count}`
        const narrow = { ...drawn, span: drawn.span ?? 20 }
        for (const side of [source, standby]) await side.execute(createSql(name, narrow, 'CYCLE'))
        await draw(source, name, drawn.before)
        await carrySequences({ source: await readSequences(source), standby, margin })
        await draw(source, name, margin)
        expect(await draw(standby, name, 1)).toEqual(await draw(source, name, 1))
        await Promise.all([source, standby].map((side) => side.execute(`DROP SEQUENCE ${name}`)))
      }),
      { numRuns: 10 },
    )
  })

  test('those of columns, those of nobody, and whatever they are called are carried; what a session took in advance counts', async () => {
    const sql = `CREATE TABLE s.items (id serial, n int GENERATED ALWAYS AS IDENTITY (START 7), u int GENERATED BY DEFAULT AS IDENTITY);
      CREATE SEQUENCE s."Odd ""name"" 😀" CACHE 10; CREATE SEQUENCE s.unused START 5; CREATE UNLOGGED TABLE s.u (id serial);
      CREATE TEMP SEQUENCE passing`
    await source.execute(sql)
    await standby.execute(sql)
    await source.execute(
      `INSERT INTO s.items DEFAULT VALUES; INSERT INTO s.items DEFAULT VALUES; DELETE FROM s.items; SELECT nextval('s."Odd ""name"" 😀"')`,
    )
    const carried = await carrySequences({ source: await readSequences(source), standby, margin: 0 })
    expect(carried).toEqual({ sequences: 6, set: 4, findings: [] })
    const next = (name: string) => draw(standby, name, 1)
    expect(await next('s.items_id_seq')).toEqual(['3'])
    expect(await next('s.items_n_seq')).toEqual(['9'])
    expect(await next('s."Odd ""name"" 😀"')).toEqual(['11'])
    expect(await next('s.unused')).toEqual(['5'])
    expect(await carrySequences({ source: await readSequences(source), standby, margin: 0 })).toMatchObject({ set: 0 })
  })

  test('a session that has planned where it looks reads what any other does, whatever becomes of them', async () => {
    const [planner, other] = await Promise.all([sessionAtSource(), sessionAtSource()])
    const same = async () => expect(await readSequences(planner)).toEqual(await readSequences(other))
    await source.execute('CREATE SEQUENCE s.a; CREATE SEQUENCE s.b')
    const shapes = await planSequences(planner)
    expect(shapes).toHaveLength(2)
    for (const sql of [
      `SELECT nextval('s.a'), setval('s.b', 7, false)`,
      'DROP SEQUENCE s.a; CREATE SEQUENCE s.a START 40 INCREMENT -3 MINVALUE -9 MAXVALUE 99',
      'ALTER SEQUENCE s.b MAXVALUE 50',
      'DROP SEQUENCE s.b',
      'CREATE SEQUENCE s.c',
      'ALTER SCHEMA s RENAME TO moved; CREATE SCHEMA s',
    ]) {
      await source.execute(sql)
      await same()
    }
    expect(await planSequences(planner)).toHaveLength(2)
    await same()
    await source.execute('DROP SCHEMA moved CASCADE')
    await Promise.all([planner.close(), other.close()])
  })

  test('what cannot be carried is told, and the others are', async () => {
    await source.execute(`CREATE SEQUENCE s.missing; CREATE SEQUENCE s.turned; CREATE SEQUENCE s.foreign_; CREATE SEQUENCE s.full_ MAXVALUE 3;
      CREATE SEQUENCE s.circle; CREATE SEQUENCE s.good; SELECT nextval('s.turned'), nextval('s.foreign_'), nextval('s.full_'), nextval('s.good')`)
    await standby.execute(
      `CREATE SEQUENCE s.turned INCREMENT -1; CREATE SEQUENCE s.full_ MAXVALUE 3; CREATE SEQUENCE s.circle MAXVALUE 9 CYCLE; CREATE SEQUENCE s.good`,
    )
    await superuser.execute('CREATE SEQUENCE s.foreign_; GRANT SELECT ON SEQUENCE s.foreign_ TO master')
    const { set, findings } = await carrySequences({ source: await readSequences(source), standby, margin: 5 })
    expect(findings.map(({ rule, message }) => [rule, /s"?\."?(\w+)/.exec(message)?.[1]]).sort()).toEqual([
      ['sequence-backwards', 'turned'],
      ['sequence-cycles', 'circle'],
      ['sequence-exhausted', 'full_'],
      ['sequence-missing', 'missing'],
      ['sequence-not-settable', 'foreign_'],
    ])
    expect(findings.find(({ rule }) => rule === 'sequence-exhausted')?.message).toContain(
      'its source stands at 1, a margin of 5 comes on top, and it ends at 3.',
    )
    expect(set).toBe(3)
    expect(await draw(standby, 's.good', 1)).toEqual(['7'])
    await superuser.execute('DROP SEQUENCE s.foreign_')
  })
})

test('a position is never behind where the standby stands, nor outside what it can hold', () => {
  const aShape = fc
    .tuple(fc.bigInt({ min: -1000n, max: 1000n }), fc.bigInt({ min: 1n, max: 1000n }), fc.bigInt({ min: 1n, max: 50n }))
    .map(([min, span, increment]) => ({ min, max: min + span, increment, cycles: false }))
  const at = ({ min, max }: SequenceShape): fc.Arbitrary<SequencePosition> =>
    fc.record({ last: fc.bigInt({ min, max }), isCalled: fc.boolean() })
  const one = aShape.chain((shape) => at(shape).map((position) => ({ ...shape, ...position })))
  fc.assert(
    fc.property(one, one, fc.bigInt({ min: 0n, max: 100n }), fc.boolean(), (source, standby, margin, down) => {
      const turned = <S extends SequenceShape & SequencePosition>(s: S): S => ({
        ...s,
        min: -s.max,
        max: -s.min,
        increment: -s.increment,
        last: -s.last,
      })
      const there = down ? turned(standby) : standby
      const { kind, to } = carriedPosition({ source: down ? turned(source) : source, standby: there, margin })
      expect(kind).not.toBe('backwards')
      expect(to.last >= there.min && to.last <= there.max).toBe(true)
      const next = (p: SequencePosition) => (p.isCalled ? p.last + there.increment : p.last) * (down ? -1n : 1n)
      expect(next(to) >= next(there)).toBe(true)
      // beyond all that the source has given, or at its end
      const given = (source.isCalled ? source.last : source.last - source.increment) + margin * source.increment
      expect(next(to) > given || next(to) > standby.max).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})
