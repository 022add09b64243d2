/** What of a source's contents is in the way of a standby, or has to be known: each made for real, on 15 and 17, with a standby of 17. */
import { until } from '../../../support/eventually'
import type { TestServer } from '../../support/server'
import { connectAs, Pair, type Side, sideOf, startSide } from './support'

let servers: Record<15 | 17, TestServer>
let target: TestServer
let standby: Side
beforeAll(async () => {
  const [older, newer, follower] = await Promise.all([startSide(15), startSide(17), startSide(17)])
  servers = { 15: older, 17: newer }
  target = follower
  standby = await sideOf(target)
})
afterAll(() => Promise.all([...Object.values(servers ?? {}), target].map((server) => server?.stop())))

describe.each([15, 17] as const)('a source of PostgreSQL %i', (major) => {
  const fresh = async (sql = ''): Promise<Pair> => {
    const pair = new Pair(await sideOf(servers[major]), standby)
    await pair.source.session.execute(sql)
    return pair
  }

  test('a pair that fits has nothing that blocks, and what is then published arrives', async () => {
    const schema = `CREATE SCHEMA "Shop"; CREATE TABLE "Shop".orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text);
      CREATE TABLE parts (id int PRIMARY KEY, b int) PARTITION BY RANGE (id); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10)`
    const pair = await fresh(schema)
    const own = new Pair(pair.source, await sideOf(target))
    const report = await own.look()
    expect(report.findings.filter(({ severity }) => severity !== 'note')).toEqual([])
    expect(report).toMatchObject({ notKnown: [], tables: ['"Shop".orders', 'public.parts'] })
    expect(report.noWayBack === null).toBe(major === 17)
    expect(report.versions.source).toMatch(new RegExp(`^${major}\\.`))
    expect(report.versions.standby).toMatch(/^17\./)
    expect(report.bytes).toBeGreaterThan(1_000_000)

    await own.standby.session.execute(schema)
    await own.source.session.execute(`INSERT INTO "Shop".orders (text) VALUES ('copied'); INSERT INTO parts VALUES (1, 1)`)
    await own.source.session.execute(
      `CREATE PUBLICATION everything FOR TABLE ${report.tables.join(', ')} WITH (publish_via_partition_root)`,
    )
    await own.source.root.query(`SELECT pg_create_logical_replication_slot('fits', 'pgoutput')`)
    const { host, port, database } = own.source.session.endpoint
    await own.standby.session.execute(
      `CREATE SUBSCRIPTION fits CONNECTION 'host=${host} port=${port} dbname=${database} user=publisher password=secret'
         PUBLICATION everything WITH (create_slot = false, slot_name = fits)`,
    )
    await own.source.session.execute(`UPDATE "Shop".orders SET text = 'changed'; UPDATE parts SET b = 2`)
    await until('both tables to follow', async () => {
      const [row] = await own.standby.session.query<{ seen: string | null }>(
        `SELECT (SELECT text FROM "Shop".orders) || (SELECT b FROM parts) AS seen`,
      )
      return row?.seen === 'changed2'
    })
    await own.standby.session.execute(
      'ALTER SUBSCRIPTION fits DISABLE; ALTER SUBSCRIPTION fits SET (slot_name = NONE); DROP SUBSCRIPTION fits',
    )
    await until('the slot to be free', async () => {
      const [slot] = await own.source.root.query<{ active: boolean }>(
        `SELECT active FROM pg_replication_slots WHERE slot_name = 'fits'`,
      )
      return slot?.active === false
    })
    await own.source.root.query(`SELECT pg_drop_replication_slot('fits')`)
  })

  test('published are tables and roots, and not what is ours, an extension’s, the history’s, unlogged or foreign', async () => {
    const pair = await fresh(`CREATE TABLE "b.""c" (id int PRIMARY KEY); CREATE TABLE a (id int PRIMARY KEY);
      CREATE SCHEMA capstan; CREATE TABLE capstan.fence (id int); CREATE SCHEMA capstan_kept; CREATE TABLE capstan_kept.kept (id int);
      CREATE TABLE flyway_schema_history (id int); CREATE UNLOGGED TABLE quick (id int); CREATE TEMP TABLE passing (id int);
      CREATE VIEW seen AS SELECT 1; CREATE SCHEMA other; CREATE TABLE other.history (id int PRIMARY KEY)`)
    await pair.source.root.execute(
      `CREATE EXTENSION hstore; CREATE TABLE of_hstore (id int); ALTER EXTENSION hstore ADD TABLE of_hstore`,
    )
    const report = await pair.look()
    expect(report.tables).toEqual(['other.history', 'public.a', 'public."b.""c"'])
    expect(report.findings.filter(({ check }) => check === 'replica-identity')).toEqual([])
    const other = await pair.look({ history: { schema: 'other', table: 'history' } })
    expect(other.tables).toEqual(['public.a', 'public."b.""c"', 'public.flyway_schema_history'])
  })

  test('a table without what names its rows blocks, for it would refuse its own updates once published', async () => {
    const pair =
      await fresh(`CREATE TABLE log (line text); CREATE TABLE mute (id int PRIMARY KEY); ALTER TABLE mute REPLICA IDENTITY NOTHING;
      CREATE TABLE late (id int PRIMARY KEY DEFERRABLE); CREATE TABLE events (at int PRIMARY KEY) PARTITION BY RANGE (at);
      CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10); ALTER TABLE events_1 REPLICA IDENTITY NOTHING;
      CREATE TABLE loose (at int) PARTITION BY RANGE (at); CREATE TABLE loose_1 PARTITION OF loose (at PRIMARY KEY) FOR VALUES FROM (0) TO (10)`)
    expect(await pair.told('replica-identity')).toEqual([
      'blocks, source: Table public.events_1 has its replica identity set to NOTHING.',
      'blocks, source: Table public.late has a primary key that can be deferred or is not valid.',
      'blocks, source: Table public.log has no primary key, and no other replica identity.',
      'blocks, source: Table public.loose has no primary key, and no other replica identity.',
      'blocks, source: Table public.mute has its replica identity set to NOTHING.',
    ])
    const { session } = pair.source
    await session.execute(
      'INSERT INTO late VALUES (1); INSERT INTO events VALUES (1); CREATE PUBLICATION now FOR TABLE late, events',
    )
    await expect(session.execute('UPDATE late SET id = 2')).rejects.toThrow(/replica identity/)
    await expect(session.execute('UPDATE events SET at = 2')).rejects.toThrow(/replica identity/)
    await pair.follow('replica-identity')
    await session.execute('UPDATE late SET id = 2; UPDATE events SET at = 2')
  })

  test('rows that are found as a whole are a warning, and block where they cannot be compared', async () => {
    const pair = await fresh(`CREATE TABLE log (line text); ALTER TABLE log REPLICA IDENTITY FULL;
      CREATE TABLE documents (body json, spots point[]); ALTER TABLE documents REPLICA IDENTITY FULL;
      CREATE TABLE keyed (id int PRIMARY KEY, body json); ALTER TABLE keyed REPLICA IDENTITY FULL`)
    expect(await pair.told('replica-identity')).toEqual([
      'blocks, source: Table public.documents is found by whole rows (REPLICA IDENTITY FULL), and no two values of body, spots can be told to be equal.',
      'warning, source: Table public.log has no primary key and is found by whole rows (REPLICA IDENTITY FULL).',
    ])
  })

  test('unlogged tables block nothing, with rows or without', async () => {
    const pair = await fresh(
      'CREATE UNLOGGED TABLE cache (id int); CREATE UNLOGGED TABLE full_cache (id int); INSERT INTO full_cache VALUES (1)',
    )
    expect(await pair.told('unlogged-tables')).toEqual([
      'note, source: Table public.cache is unlogged and has 0 B of rows.',
      'warning, source: Table public.full_cache is unlogged and has 8.2 kB of rows.',
    ])
  })

  test('large objects block', async () => {
    const pair = await fresh('SELECT lo_create(0), lo_create(0)')
    expect(await pair.told('large-objects')).toEqual(['blocks, source: The source has 2 large objects.'])
  })

  test('foreign tables are told, and block as partitions', async () => {
    const pair = await fresh('CREATE TABLE spread (id int PRIMARY KEY) PARTITION BY LIST (id)')
    await pair.source.root.execute(`CREATE EXTENSION postgres_fdw; CREATE SERVER "far away" FOREIGN DATA WRAPPER postgres_fdw;
      CREATE FOREIGN TABLE away (id int) SERVER "far away";
      ALTER TABLE spread DROP CONSTRAINT spread_pkey; CREATE FOREIGN TABLE spread_1 PARTITION OF spread FOR VALUES IN (1) SERVER "far away"`)
    expect(await pair.told('foreign-tables')).toEqual([
      'blocks, source: Partition public.spread_1 is foreign: its rows are on the server "far away".',
      'warning, source: Table public.away is foreign: its rows are on the server "far away".',
    ])
  })

  test('a partitioned table is one table, and a partition that names its rows by what its root does not blocks', async () => {
    const pair = await fresh(
      [
        'DEFAULT FULL',
        'FULL DEFAULT',
        'DEFAULT USING INDEX t2_c',
        'FULL USING INDEX t3_c',
        'DEFAULT USING INDEX t4_1_pkey',
        'USING INDEX t5_r DEFAULT',
      ]
        .map((identities, n) => {
          const [, root, leaf] = /^(USING INDEX \w+|\w+) (.*)$/.exec(identities)!
          return `CREATE TABLE t${n} (at int PRIMARY KEY, c int NOT NULL) PARTITION BY RANGE (at); CREATE TABLE t${n}_1 PARTITION OF t${n} FOR VALUES FROM (0) TO (10);
            CREATE UNIQUE INDEX t${n}_c ON t${n}_1 (c); CREATE UNIQUE INDEX t${n}_r ON t${n} (at, c);
            ALTER TABLE t${n} REPLICA IDENTITY ${root}; ALTER TABLE t${n}_1 REPLICA IDENTITY ${leaf}`
        })
        .join('; '),
    )
    const told = await pair.told('partitions')
    expect(told.slice(0, 3)).toEqual([
      'blocks, source: Partition public.t2_1 names its rows by (c), and its root public.t2 by (at).',
      'blocks, source: Partition public.t3_1 names its rows by (c), and its root public.t3 by whole rows.',
      'note, source: Table public.t0 is published as one, with 1 partition.',
    ])
    expect(told).toHaveLength(8)
    await pair.follow('partitions')
  })

  test('generated columns are a note, and block where a row is named by one', async () => {
    const pair =
      await fresh(`CREATE TABLE people (id int PRIMARY KEY, name text, low text GENERATED ALWAYS AS (lower(name)) STORED);
      CREATE TABLE named (name text, low text GENERATED ALWAYS AS (lower(name)) STORED PRIMARY KEY)`)
    expect(await pair.told('generated-columns')).toEqual([
      'blocks, source: Table public.named names its rows by a generated column: low.',
      'note, source: Table public.named has columns that are generated: low.',
      'note, source: Table public.people has columns that are generated: low.',
    ])
  })

  test('sequences are counted, those that no column owns are named, and one that may not be read is a warning', async () => {
    const pair = await fresh(
      'CREATE TABLE t (id serial PRIMARY KEY, other bigint GENERATED ALWAYS AS IDENTITY); CREATE SEQUENCE free',
    )
    await pair.source.root.execute('CREATE SCHEMA closed; CREATE SEQUENCE closed."S"')
    expect(await pair.told('sequences')).toEqual([
      'warning, source: The role master may not read the sequence closed."S".',
      'note, source: The source has 4 sequences, of which 2 belong to no column: closed."S", public.free.',
    ])
  })

  test('materialized views are told', async () => {
    const pair = await fresh('CREATE MATERIALIZED VIEW totals AS SELECT 1 AS one')
    expect(await pair.told('materialized-views')).toEqual(['note, source: public.totals is a materialized view.'])
  })

  test('triggers that fire for what is applied are a warning, others are not', async () => {
    const pair =
      await fresh(`CREATE TABLE t (id int PRIMARY KEY, of int REFERENCES t); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER ordinary BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); CREATE TRIGGER every BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
      CREATE TRIGGER there BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
      ALTER TABLE t ENABLE ALWAYS TRIGGER every; ALTER TABLE t ENABLE REPLICA TRIGGER there`)
    const triggers = await pair.found('triggers')
    expect(triggers.map(({ message }) => message)).toEqual([
      'Trigger every of public.t is set to ENABLE ALWAYS.',
      'Trigger there of public.t is set to ENABLE REPLICA.',
    ])
    for (const { command } of triggers) await pair.source.session.execute(command.replace(/ -- .*$/, ''))
    expect(await pair.found('triggers')).toEqual([])
  })

  test('event triggers that fire everywhere are a warning on either side, and those of ordinary sessions a note', async () => {
    const pair = await fresh()
    for (const root of [pair.source.root, pair.standby.root]) {
      await root.execute(`CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION noted(); ALTER EVENT TRIGGER noted ENABLE ALWAYS`)
    }
    expect(await pair.told('event-triggers')).toEqual([
      'warning, source: Event trigger noted (ddl_command_end) is set to ENABLE ALWAYS.',
      'warning, standby: Event trigger noted (ddl_command_end) is set to ENABLE ALWAYS.',
    ])
    await pair.source.root.execute('ALTER EVENT TRIGGER noted ENABLE')
    await pair.standby.root.execute('ALTER EVENT TRIGGER noted DISABLE')
    expect(await pair.told('event-triggers')).toEqual(['note, source: Event trigger noted (ddl_command_end) is enabled.'])
    for (const root of [pair.source.root, pair.standby.root]) await root.execute('DROP FUNCTION noted CASCADE')
  })

  test('a prepared transaction is waited for, and blocks once nobody seems to end it', async () => {
    const pair = await fresh('CREATE TABLE t (id int PRIMARY KEY)')
    await pair.source.session.execute(`BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'secret gid'`)
    expect((await pair.found('prepared-transactions')).map(({ severity }) => severity)).toEqual(['note'])
    const report = await pair.look({ limits: { preparedMs: 0, findingsMax: 100 } })
    expect(report.findings[0]).toMatchObject({ check: 'prepared-transactions', severity: 'blocks', side: 'source' })
    expect(JSON.stringify(report)).not.toContain('secret')
    await pair.source.session.execute(`ROLLBACK PREPARED 'secret gid'`)
    expect(await pair.found('prepared-transactions')).toEqual([])
  })

  test('jobs are counted where pg_cron keeps them, and not where a stranger’s policy would run', async () => {
    const pair = await fresh(`CREATE SCHEMA cron; CREATE TABLE cron.job (jobid int PRIMARY KEY, active bool, database text);
      INSERT INTO cron.job VALUES (1, true, current_database()), (2, false, current_database()), (3, true, 'other')`)
    expect(await pair.told('scheduled-jobs')).toEqual([
      'warning, source: pg_cron runs 1 job in this database of the source, of those that this role may see.',
    ])
    await pair.source.session.execute(`CREATE FUNCTION trap() RETURNS bool LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $t$trapped$t$; END';
      ALTER TABLE cron.job ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON cron.job USING (trap())`)
    const stranger = await connectAs(pair.source, 'publisher')
    const report = await pair.look({ source: stranger })
    await stranger.close()
    expect(report.notKnown.filter(({ check }) => check === 'scheduled-jobs')).toEqual([
      { check: 'scheduled-jobs', side: 'source', why: expect.stringMatching(/^cron.job may not be read here/) },
    ])
  })
})
