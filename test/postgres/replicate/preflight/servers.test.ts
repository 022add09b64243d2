/** What two servers, their roles and their settings have to be like: each made for real, on 15 and 17. */
import type { TestServer } from '../../support/server'
import { connectAs, MEGABYTE, Pair, type Side, sideOf, startSide } from './support'

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

test('a database is not its own standby, by whichever connection', async () => {
  const side = await sideOf(servers[17])
  const pair = new Pair(side, { ...side, session: await side.database.connect() })
  expect(await pair.told('same-database')).toEqual(['blocks, standby: The source and the standby are one and the same database.'])
  expect(await new Pair(side, await sideOf(servers[17])).found('same-database')).toEqual([])
})

test('a standby that is older blocks, and from one of 15 no master can subscribe', async () => {
  const pair = new Pair(await sideOf(servers[17]), await sideOf(servers[15]))
  expect(await pair.told('versions')).toEqual([
    'blocks, standby: The standby is PostgreSQL 15, older than the source, which is 17.',
  ])
  expect(await pair.told('subscriber')).toEqual(['blocks, standby: The role master may not subscribe.'])
  expect(await pair.told('publisher')).toEqual([
    "blocks, standby: The publisher's tls is verify-full, and the standby is PostgreSQL 15.",
  ])
  expect(await pair.told('publisher', { publisher: { user: 'publisher', tls: 'disable' } })).toEqual([
    "blocks, standby: The publisher's tls is disable, and the standby is PostgreSQL 15.",
  ])
  await pair.standby.root.execute('CREATE ROLE rds_superuser; GRANT rds_superuser TO master')
  const report = await pair.look({ clouds: { source: 'gcp', standby: 'aws' } })
  expect(report.findings.filter(({ check }) => check === 'subscriber')).toEqual([])
  expect(report.notKnown).toEqual([{ check: 'subscriber', side: 'standby', why: expect.stringMatching(/only trying tells/) }])
  await pair.standby.root.execute('DROP ROLE rds_superuser')
})

describe.each([15, 17] as const)('a source of PostgreSQL %i', (major) => {
  const fresh = async (sql = ''): Promise<Pair> => {
    const pair = new Pair(await sideOf(servers[major]), standby)
    await pair.source.session.execute(sql)
    return pair
  }

  test('the way back is told as missing for what is missing', async () => {
    const pair = await fresh()
    if (major === 15) {
      expect((await pair.look()).noWayBack).toMatch(/^the source is PostgreSQL 15, and only from 16 on/)
      expect(await pair.told('versions')).toEqual([expect.stringMatching(/^note, source: There is no way back: the source is/)])
      return
    }
    expect((await pair.look()).noWayBack).toBeNull()
    expect(await pair.found('versions')).toEqual([])
    await pair.source.root.execute('REVOKE pg_create_subscription FROM master')
    expect((await pair.look()).noWayBack).toBe('master may not subscribe on the source (pg_create_subscription).')
    await pair.source.root.execute('GRANT pg_create_subscription TO master')
    const { database } = pair.source.session.endpoint
    await pair.source.root.execute(`ALTER DATABASE ${database} OWNER TO postgres`)
    expect((await pair.look()).noWayBack).toMatch(/^master may create nothing in the source's database/)
    await pair.source.root.execute(`ALTER DATABASE ${database} OWNER TO master`)
  })

  test('a standby that holds anything blocks, unless it is half made by this very source', async () => {
    const pair = new Pair(await sideOf(servers[major]), await sideOf(target))
    expect(await pair.found('standby-empty')).toEqual([])
    await pair.standby.root.execute('CREATE EXTENSION citext; CREATE SCHEMA capstan; CREATE TABLE capstan.fence (id int)')
    expect(await pair.found('standby-empty')).toEqual([])
    await pair.standby.session.execute(`CREATE TABLE t (id serial PRIMARY KEY); CREATE TYPE mood AS ENUM ('good');
      CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`)
    expect(await pair.told('standby-empty')).toEqual([
      expect.stringMatching(
        /^blocks, standby: The standby holds 4 objects already \(public.f, public.mood, public.t and 1 other\), in a database of \d/,
      ),
    ])
    expect(await pair.found('standby-empty', { prepared: true })).toEqual([])
  })

  test('the role that follows has to be there, may log in, replicate, connect and read', async () => {
    const pair = await fresh('CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)')
    const publisher = { user: 'A "b', tls: 'verify-full' } as const
    expect(await pair.told('publisher', { publisher })).toEqual([
      'blocks, source: The role "A ""b", as which the standby logs in, does not exist on the source.',
    ])
    const { database } = pair.source.session.endpoint
    await pair.source.root.execute(`CREATE ROLE "A ""b" CONNECTION LIMIT 1 VALID UNTIL '2020-01-01'; REVOKE CONNECT ON DATABASE ${database} FROM public;
      ALTER ROLE "A ""b" SET statement_timeout = '5s'; ALTER DATABASE ${database} SET statement_timeout = 0`)
    const role = 'The role "A ""b", as which the standby logs in,'
    expect(await pair.told('publisher', { publisher })).toEqual([
      `blocks, source: ${role} may not log in.`,
      `blocks, source: ${role} may not replicate.`,
      `blocks, source: ${role} has a password that is no longer valid.`,
      `blocks, source: ${role} may not connect to ${database}.`,
      `blocks, source: ${role} may have only 1 connection at a time.`,
      `blocks, source: ${role} may not read 2 tables of the schema public.`,
      `warning, source: ${role} has statement_timeout set, by itself or by the database.`,
    ])
    await pair.follow('publisher', 'root', { publisher })
    const [limit] = await pair.found('publisher', { publisher })
    await pair.source.root.execute(limit!.command)
    expect(await pair.found('publisher', { publisher })).toEqual([])
    await pair.source.root.execute('DROP OWNED BY "A ""b"; DROP ROLE "A ""b"')
  })

  test('RDS lets replicate by membership', async () => {
    const pair = await fresh()
    await pair.source.root.execute('CREATE ROLE rds_replication; CREATE ROLE plain LOGIN; GRANT pg_read_all_data TO plain')
    const publisher = { user: 'plain', tls: 'verify-full' } as const
    const changed = { publisher, clouds: { source: 'aws', standby: 'azure' } } as const
    expect((await pair.found('publisher', changed))[0]?.command).toBe('GRANT rds_replication TO plain;')
    await pair.follow('publisher', 'root', changed)
    await pair.source.root.execute('DROP ROLE rds_replication; DROP OWNED BY plain; DROP ROLE plain')
  })

  test('rows that a policy hides from who follows block', async () => {
    const pair =
      await fresh(`CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY partly ON t USING (id > 1);
      CREATE TABLE quiet (id int PRIMARY KEY); CREATE POLICY none ON quiet USING (false)`)
    expect(await pair.told('publisher')).toEqual([
      'blocks, source: Table public.t has row security, which hides rows from publisher, as which the standby logs in.',
    ])
    await pair.follow('publisher')
    await pair.source.session.execute('CREATE POLICY less ON t AS RESTRICTIVE USING (id > 1)')
    expect(await pair.found('publisher')).toHaveLength(1)
    expect(await pair.found('publisher', { publisher: { user: 'master', tls: 'verify-full' } })).toEqual([
      expect.objectContaining({ message: 'The role master, as which the standby logs in, may not replicate.' }),
    ])
  })

  test('how the standby comes: in the open is a warning, and what encrypts has to be the server itself', async () => {
    const pair = await fresh()
    const by = (tls: 'disable' | 'require') => pair.told('publisher', { publisher: { user: 'publisher', tls } })
    expect(await by('disable')).toEqual(["warning, source: The publisher's tls is disable."])
    expect(await by('require')).toEqual([
      "blocks, source: The publisher's tls is require, and the source itself does not encrypt (ssl is off).",
    ])
  })

  test('who subscribes may do so, create, and act as each owner', async () => {
    const pair = new Pair(await sideOf(servers[major]), await sideOf(target))
    await pair.source.root.execute('CREATE ROLE keeper; CREATE TABLE kept (id int PRIMARY KEY); ALTER TABLE kept OWNER TO keeper')
    const { database } = pair.standby.session.endpoint
    await pair.standby.root.execute(`CREATE ROLE keeper; CREATE ROLE "Holder"; CREATE TABLE held (); ALTER TABLE held OWNER TO "Holder";
      REVOKE pg_create_subscription FROM master; ALTER DATABASE ${database} OWNER TO postgres`)
    expect(await pair.told('subscriber')).toEqual([
      'blocks, standby: The role master may not subscribe.',
      `blocks, standby: The role master may create nothing in the database ${database}.`,
      'blocks, standby: The role master may not act as "Holder", who owns tables.',
      'blocks, standby: The role master may not act as keeper, who owns tables.',
    ])
    await pair.follow('subscriber', 'root')
    await pair.standby.root.execute('CREATE ROLE builder')
    expect(await pair.told('subscriber', { migrator: 'builder' })).toEqual([
      'blocks, standby: The role master may not act as builder, who owns tables.',
    ])
    await pair.source.root.execute('CREATE TABLE of_root (id int PRIMARY KEY)')
    expect(await pair.found('subscriber')).toEqual([])
    await pair.standby.root.execute('DROP TABLE held; DROP ROLE "Holder", keeper, builder')
    await pair.source.root.execute('DROP TABLE kept; DROP ROLE keeper')
  })

  test('row security that is forced upon the owner blocks, unless the owner on the standby bypasses it', async () => {
    const pair =
      await fresh(`CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;
      CREATE TABLE idle (id int PRIMARY KEY); ALTER TABLE idle FORCE ROW LEVEL SECURITY`)
    expect(await pair.told('subscriber')).toEqual([
      'blocks, source: Row security of table public.t is forced upon its owner, too.',
    ])
    expect(await pair.found('subscriber', { migrator: 'postgres' })).toEqual([])
    await pair.follow('subscriber')
  })

  test('an extension that the standby lacks blocks, and another version is told', async () => {
    const pair = await fresh()
    await pair.source.root.execute(`CREATE EXTENSION hstore VERSION '1.4'; CREATE EXTENSION pg_trgm; CREATE EXTENSION citext;
      CREATE TABLE "its own" (id int); SET allow_system_table_mods = on; UPDATE pg_extension SET extname = 'no such' WHERE extname = 'citext';
      UPDATE pg_extension SET extversion = '9.9', extconfig = ARRAY['"its own"'::regclass::oid], extcondition = '{""}' WHERE extname = 'pg_trgm'`)
    expect(await pair.told('extensions')).toEqual([
      `blocks, standby: The standby's server has no extension "no such", of which the source uses 1.6.`,
      'note, standby: The source uses 1.4 of the extension hstore, and the standby would get 1.8.',
      'warning, standby: The source uses 9.9 of the extension pg_trgm, and the standby would get 1.6.',
      'note, source: The extension pg_trgm keeps what its users put in in tables of its own: public."its own".',
    ])
  })

  test('texts that the standby cannot hold, or sort, block', async () => {
    const pair = await fresh('CREATE TABLE t (id text COLLATE ucs_basic PRIMARY KEY)')
    const root = pair.standby.root
    await root.execute(
      `CREATE DATABASE latin_${major} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' OWNER master`,
    )
    const latin = await connectAs(pair.standby, 'master', `latin_${major}`)
    expect(await pair.found('collations')).toEqual([])
    expect(await pair.told('collations', { standby: latin })).toEqual([
      'blocks, standby: The source is encoded as UTF8, and the standby as LATIN1.',
      "blocks, standby: The standby's server has no collation ucs_basic, which columns of the source name.",
    ])
    await latin.close()
  })

  test('roles that the standby lacks: who is granted something blocks, an owner is a note', async () => {
    const pair = await fresh('CREATE TABLE t (id int PRIMARY KEY)')
    await pair.source.root.execute(`CREATE ROLE "App" LOGIN; CREATE ROLE maker; CREATE ROLE rds_helper; GRANT SELECT ON t TO "App"; GRANT SELECT ON t TO rds_helper;
      CREATE TABLE made (id int PRIMARY KEY); ALTER TABLE made OWNER TO maker; GRANT SELECT ON made TO master`)
    expect(await pair.told('roles')).toEqual([
      'blocks, standby: The role "App", which is granted something on the source, does not exist on the standby.',
      'note, standby: The role maker, which owns something on the source, does not exist on the standby.',
    ])
    await pair.follow('roles', 'root')
    await pair.standby.root.execute('DROP ROLE "App"')
    await pair.source.root.execute('DROP OWNED BY "App", maker, rds_helper; DROP ROLE "App", maker, rds_helper')
  })

  test('slots and subscriptions of others are told, and one that goes in circles blocks', async () => {
    const pair = new Pair(await sideOf(servers[major]), await sideOf(target))
    await pair.source.root.query(
      `SELECT pg_create_logical_replication_slot(name, 'pgoutput') FROM unnest(ARRAY['cdc', 'ours']) name`,
    )
    for (const [side, name] of [
      [pair.source, 'from_there'],
      [pair.standby, 'from_elsewhere'],
    ] as const) {
      await side.root.execute(`CREATE SUBSCRIPTION ${name} CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)`)
    }
    const names = { publication: 'ours', slot: 'ours', subscription: 'ours' }
    const found = await pair.told('foreign-slots', { names })
    expect(found).toEqual([
      'blocks, standby: The standby subscribes to something else already, by from_elsewhere.',
      expect.stringMatching(
        /^warning, source: Somebody else's slot cdc reads this database, is not being read now and holds back \d/,
      ),
      'warning, source: The source subscribes itself, by from_there, which is disabled.',
    ])
    await pair.standby.root.query(`SELECT pg_create_logical_replication_slot('from_there', 'pgoutput')`)
    expect((await pair.told('foreign-slots', { names }))[0]).toBe(
      'blocks, source: The source subscribes itself, by from_there, which is disabled, from a slot that the standby has (from_there).',
    )
    await pair.follow('foreign-slots', 'root', { names })
    await pair.source.root.query(`SELECT pg_drop_replication_slot(name) FROM unnest(ARRAY['cdc', 'ours']) name`)
    await pair.standby.root.query(`SELECT pg_drop_replication_slot('from_there')`)
  })

  test('disks: what does not fit blocks, and a cloud that does not tell is not known', async () => {
    const pair = await fresh()
    const free = (source: number | null, there: number | null) => ({ dataBytesFree: { source, standby: there } })
    const limit = 'note, source: The source itself limits no slot (max_slot_wal_keep_size is -1).'
    expect(await pair.told('disk-room')).toEqual([limit])
    expect(await pair.told('disk-room', free(1_000 * MEGABYTE, MEGABYTE))).toEqual([
      expect.stringMatching(/^blocks, standby: The standby has an estimated 1 MB free, and the source's database has \d/),
      "blocks, source: The standby's slot may hold back 1 GB of log, and the source has an estimated 1 GB free.",
      limit,
    ])
    expect(await pair.told('disk-room', free(10_000 * MEGABYTE, 50 * MEGABYTE))).toEqual([
      expect.stringMatching(/^warning, standby: The standby has an estimated 52.4 MB free/),
      limit,
    ])
    const slowly = { ...free(10_000 * MEGABYTE, MEGABYTE), bytesFreeLater: 10_000 * MEGABYTE }
    expect(await pair.found('disk-room', slowly)).toMatchObject([
      { severity: 'warning', side: 'standby', why: expect.stringContaining('about a tenth each six hours') },
      { severity: 'note' },
    ])
    expect((await pair.told('disk-room', { ...slowly, bytesFreeLater: 2 * MEGABYTE }))[0]).toMatch(/^blocks, standby/)
    expect((await pair.look(free(null, null))).notKnown.map(({ check, side }) => [check, side])).toEqual([
      ['disk-room', 'standby'],
      ['disk-room', 'source'],
    ])
  })
})
