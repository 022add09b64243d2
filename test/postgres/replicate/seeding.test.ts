/** What may be thrown away, and indexes that come back as they were. */
import { describeSchema, diffFingerprints } from '../../../postgres/inspect/fingerprint'
import { raiseFence } from '../../../postgres/migrate/fence'
import { buildIndexes } from '../../../postgres/replicate/build-indexes'
import {
  beginSeeding,
  emptyTables,
  finishSeeding,
  forgetOrigin,
  readOrigin,
  startReseeding,
} from '../../../postgres/replicate/seeding'
import { indexesSetAside, setIndexesAside } from '../../../postgres/replicate/set-aside'
import { failureOf } from '../support/apply'
import { startTestServer, type TestServer } from '../support/server'
import { INDEXED, INDEXED_TABLES } from './indexed'
import { valuesOf } from './support'

const INDEXES = `SELECT indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'capstan' ORDER BY 1`

describe.each([15, 17] as const)('PostgreSQL %i', (major) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer(major)
  })
  afterAll(() => server?.stop())

  test('indexes that were set aside come back as they were, whatever they are', async () => {
    const database = await server.database()
    const master = await database.connect()
    await master.execute(INDEXED)
    const before = await describeSchema(master)
    const said = `SELECT indexdef FROM pg_indexes WHERE schemaname IN ('public', 'Odd name') ORDER BY 1`
    const definitions = await valuesOf(master, said)
    const more = `SELECT obj_description('"orders Odd ""name"'::regclass)::text || (SELECT attstattarget FROM pg_attribute WHERE attrelid = 'orders_expression'::regclass AND attnum = 2)
        || (SELECT count(*) FROM pg_inherits) || (SELECT bool_and(indisvalid) FROM pg_index)`
    const details = await valuesOf(master, more)

    const gone = await setIndexesAside(master, { tables: INDEXED_TABLES })
    expect(gone).toEqual([
      '"Odd name".keyed_b',
      'public."orders Odd ""name"',
      'public.events_1_alone',
      'public.events_1_own_name',
      'public.events_21_what_idx',
      'public.events_2_what_idx',
      'public.events_what',
      'public.orders_brin',
      'public.orders_expression',
      'public.orders_include',
      'public.orders_note',
      'public.orders_tags',
    ])
    const left = await valuesOf(master, INDEXES)
    expect(left).toEqual(
      expect.arrayContaining([
        'orders_pkey',
        'orders_code_key',
        'orders_clustered',
        '"Odd name".keyed_a',
        'unkeyed_b',
        'others_note',
      ]),
    )
    expect(left.filter((name) => gone.includes(`public.${name}`))).toEqual([])
    const ids = (await indexesSetAside(master)).map(({ id }) => id)
    expect(diffFingerprints(before, await describeSchema(master), { limit: 99 })).toEqual(
      ids.map((id) => `${id}: only on the first`).sort(),
    )
    expect(await setIndexesAside(master, { tables: INDEXED_TABLES })).toEqual([])

    const told: string[] = []
    const built = await buildIndexes({
      connect: () => database.connect(),
      onProgress: (progress) => told.push(`${progress.built}/${progress.total}`),
    })
    expect(built).toBe(gone.length)
    expect([told[0], told.at(-1)]).toEqual([`0/${gone.length}`, `${gone.length}/${gone.length}`])
    expect(diffFingerprints(before, await describeSchema(master))).toEqual([])
    expect(await valuesOf(master, said)).toEqual(definitions)
    expect(await valuesOf(master, more)).toEqual(details)
    expect(await buildIndexes({ connect: () => database.connect() })).toBe(0)
  })

  test('another index of that name is not taken for it, and one that cannot be built stays to be built', async () => {
    const database = await server.database()
    const master = await database.connect()
    await master.execute(
      'CREATE TABLE a (id int PRIMARY KEY, v text, w int); CREATE INDEX a_v ON a (v); CREATE INDEX a_w ON a ((100 / w))',
    )
    const build = () => buildIndexes({ connect: () => database.connect(), jobs: 1 })
    await setIndexesAside(master, { tables: ['public.a'] })
    await master.execute('CREATE INDEX a_v ON a (w)')
    const another = await failureOf(build(), 'RESOURCE_NOT_OURS')
    expect(another.message).toContain('public.a_v')
    await master.execute('DROP INDEX a_v; CREATE INDEX a_v ON a (v); INSERT INTO a VALUES (1, $$x$$, 0)')
    const refused = await failureOf(build(), 'DATABASE_REFUSED')
    expect(refused.message).toContain('22012')
    expect((await indexesSetAside(master)).map(({ index }) => index)).toEqual(['public.a_w'])
    await master.execute('DROP TABLE a')
    expect(await build()).toBe(0)
    expect(await indexesSetAside(master)).toEqual([])
  })

  test('only what is marked as being prepared from this source is emptied', async () => {
    const database = await server.database()
    const master = await database.connect()
    const mark = { source: 'shop', operation: 'replicate-shop-1' }
    const empty = (tables: string[], source = 'shop') => emptyTables(master, { source, tables })
    const counts = () => valuesOf(master, 'SELECT (SELECT count(*) FROM a) || $$ $$ || (SELECT count(*) FROM b)')
    const schema = `CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int REFERENCES a); CREATE TABLE p (id int) PARTITION BY RANGE (id);
      INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)`
    await beginSeeding(master, mark)
    await master.execute(schema)
    await beginSeeding(master, mark)
    // the first one was given up, and what is there came after it
    const strange = await failureOf(beginSeeding(master, { ...mark, operation: 'replicate-shop-2' }), 'DATABASE_REFUSED')
    expect(strange.message).toContain('(public.a)')
    const another = { ...mark, operation: 'replicate-shop-2', takesOver: 'replicate-shop-0' }
    await failureOf(beginSeeding(master, another), 'DATABASE_REFUSED')
    expect(await readOrigin(master)).toMatchObject({ operation: mark.operation })
    await beginSeeding(master, { ...mark, operation: 'replicate-shop-2', takesOver: mark.operation })
    await failureOf(beginSeeding(master, { ...mark, source: 'other' }), 'DATABASE_REFUSED')
    await failureOf(empty(['public.a', 'public.b'], 'other'), 'DATABASE_REFUSED')
    const alone = await failureOf(empty(['public.a']), 'DATABASE_REFUSED')
    expect(alone.message).toContain('take those that refer to them as well')
    expect(await counts()).toEqual(['1 1'])
    await empty(['public.a', 'public.b', 'public.p'])
    await empty(['public.a', 'public.b'])
    expect(await counts()).toEqual(['0 0'])
    await beginSeeding(master, { ...mark, operation: 'replicate-shop-3' })

    await finishSeeding(master, mark)
    await finishSeeding(master, mark)
    await master.execute('INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)')
    await failureOf(empty(['public.a', 'public.b']), 'DATABASE_REFUSED')
    await failureOf(beginSeeding(master, mark), 'DATABASE_REFUSED')
    await failureOf(startReseeding(master, { ...mark, source: 'other', tables: null }), 'DATABASE_REFUSED')
    await startReseeding(master, { ...mark, tables: ['public.b'] })
    await startReseeding(master, { ...mark, tables: ['public.b'] })
    await failureOf(empty(['public.a', 'public.b']), 'DATABASE_REFUSED')
    await empty(['public.b'])
    expect(await counts()).toEqual(['1 0'])
    await startReseeding(master, { ...mark, tables: null })
    await failureOf(startReseeding(master, { ...mark, tables: ['public.b'] }), 'DATABASE_REFUSED')
    await empty(['public.a', 'public.b'])
    await finishSeeding(master, mark)
    expect(await readOrigin(master)).toEqual({ ...mark, state: 'following', tables: null })
    await forgetOrigin(master, { source: 'other' })
    await forgetOrigin(master, { source: 'shop' })
    expect(await readOrigin(master)).toBeNull()
    await failureOf(empty(['public.a']), 'DATABASE_REFUSED')
    await failureOf(beginSeeding(master, mark), 'DATABASE_REFUSED')
  })

  test('it does not follow before its indexes are there, and an attempt that was overtaken does nothing', async () => {
    const database = await server.database()
    const master = await database.connect()
    const mark = { source: 'shop', operation: 'replicate-shop-1' }
    await beginSeeding(master, mark)
    await master.execute('CREATE TABLE a (id int PRIMARY KEY, v text); CREATE INDEX a_v ON a (v)')
    await setIndexesAside(master, { tables: ['public.a'] })
    const early = await failureOf(finishSeeding(master, mark), 'DATABASE_REFUSED')
    expect(early.message).toContain('public.a_v')
    await raiseFence(master, { epoch: 1, attempt: 2, operation: mark.operation })
    const token = { epoch: 1, attempt: 1 }
    await failureOf(buildIndexes({ connect: () => database.connect(), token }), 'FENCED_OFF')
    await failureOf(emptyTables(master, { source: 'shop', tables: ['public.a'], token }), 'FENCED_OFF')
    await failureOf(setIndexesAside(master, { tables: ['public.a'], token }), 'FENCED_OFF')
    await failureOf(forgetOrigin(master, { source: 'shop', token }), 'FENCED_OFF')
    // removed in the midst of it and made anew: what was to be built of the old one is not
    await forgetOrigin(master, { source: 'shop' })
    await master.execute('DROP TABLE a')
    await beginSeeding(master, mark)
    expect(await indexesSetAside(master)).toEqual([])
    await finishSeeding(master, mark)
  })
})
