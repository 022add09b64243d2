import { connect, type Session } from '../../postgres/connect/session'
import { raiseFence, readFence } from '../../postgres/migrate/fence'
import { healedIndexes } from '../../postgres/migrate/healed-indexes'
import { readStatementLog } from '../../postgres/observe/statement-recorder'
import { apply, failureOf } from './support/apply'
import { startTestServer, type TestDatabase, type TestServer } from './support/server'

const FILES = { 'V1__a.sql': 'CREATE TABLE a (id int)' }
/** What a stranger makes before the first run: whoever touches the fence runs it. */
const TRAP = `CREATE SCHEMA capstan; GRANT ALL ON SCHEMA capstan TO public;
  CREATE TABLE capstan.fence (singleton boolean PRIMARY KEY DEFAULT true, epoch bigint, attempt int, operation text, raised_at timestamptz);
  CREATE FUNCTION capstan.spring() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN EXECUTE 'ALTER TABLE sprung OWNER TO ' || current_user; RETURN NEW; END $$;
  CREATE TRIGGER spring BEFORE INSERT OR UPDATE ON capstan.fence FOR EACH ROW EXECUTE FUNCTION capstan.spring();
  GRANT ALL ON ALL TABLES IN SCHEMA capstan TO public`

describe.each([15, 17] as const)('PostgreSQL %i', (major) => {
  let server: TestServer
  let superuser: Session
  beforeAll(async () => {
    server = await startTestServer(major)
    superuser = await (await server.database()).connectAsSuperuser()
    const login = `LOGIN PASSWORD 'secret'`
    await superuser.execute(
      `CREATE ROLE stranger ${login}; CREATE ROLE earlier ${login}; CREATE ROLE later ${login} IN ROLE earlier`,
    )
    await superuser.execute(`GRANT pg_signal_backend TO later`)
  })
  afterAll(() => server?.stop())

  /** A database that every role may create schemas in. */
  async function open(): Promise<{ database: TestDatabase; as: (user: string) => Promise<Session> }> {
    const database = await server.database()
    const { database: name } = database.options
    await superuser.execute(`GRANT CREATE ON DATABASE ${name} TO stranger, earlier, later`)
    return { database, as: (user) => connect({ ...database.options, user }) }
  }

  test('a schema that a stranger has made beforehand is neither written nor read', async () => {
    const { database, as } = await open()
    const stranger = await as('stranger')
    await stranger.execute(TRAP)
    const master = await database.connect()

    const refused = await failureOf(apply(database, FILES), 'CONTROL_SCHEMA_FOREIGN')
    expect(refused.message).toBe(
      `The schema capstan in ${database.options.database} belongs to the role stranger and not to master, which acts here: whoever owns it ` +
        'could act with the rights of master. If stranger migrated this database before, look at what is in it, then ALTER SCHEMA capstan ' +
        'OWNER TO "master", and for each of its tables ALTER TABLE capstan.… OWNER TO "master"; if nobody here made it, DROP SCHEMA ' +
        'capstan CASCADE. Then try again.',
    )
    await failureOf(raiseFence(master, { epoch: 1, attempt: 1, operation: 'op-1' }), 'CONTROL_SCHEMA_FOREIGN')
    await failureOf(readFence(master), 'CONTROL_SCHEMA_FOREIGN')
    await failureOf(readStatementLog(master), 'CONTROL_SCHEMA_FOREIGN')
    await failureOf(healedIndexes(master, []), 'CONTROL_SCHEMA_FOREIGN')
    expect(await stranger.query('SELECT epoch FROM capstan.fence')).toEqual([])
    await stranger.close()
  })

  test('one table of a stranger in a schema of our own is enough to refuse', async () => {
    const { database, as } = await open()
    const master = await database.connect()
    await master.execute('CREATE SCHEMA capstan; GRANT ALL ON SCHEMA capstan TO stranger')
    const stranger = await as('stranger')
    await stranger.execute('CREATE VIEW capstan.healed_index AS SELECT 1 AS epoch')

    const refused = await failureOf(apply(database, FILES), 'CONTROL_SCHEMA_FOREIGN')

    expect(refused.facts).toMatchObject({ owner: 'stranger', role: 'master', table: 'healed_index' })
    expect(await master.query(`SELECT to_regclass('capstan.fence') AS fence`)).toEqual([{ fence: null }])
    await stranger.close()
  })

  test('a superuser is no member of every role here', async () => {
    const { database, as } = await open()
    const stranger = await as('stranger')
    await stranger.execute(TRAP)
    await stranger.close()
    const postgres = await as('postgres')

    await failureOf(raiseFence(postgres, { epoch: 1, attempt: 1, operation: 'op-1' }), 'CONTROL_SCHEMA_FOREIGN')

    await postgres.close()
    expect(database.options.user).toBe('master')
  })

  test('being a member of the owner is not enough: its trigger would run as us; once handed over and clean it is ours', async () => {
    const { database, as } = await open()
    const earlier = await as('earlier')
    const later = await as('later')
    await raiseFence(earlier, { epoch: 1, attempt: 1, operation: 'op-1' })
    await earlier.execute(`CREATE SCHEMA trap; CREATE TABLE trap.sprung (who name); CREATE FUNCTION trap.spring() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO trap.sprung VALUES (current_user); RETURN NEW; END $$;
      CREATE TRIGGER spring BEFORE UPDATE ON capstan.fence FOR EACH ROW EXECUTE FUNCTION trap.spring()`)
    const raise = () => raiseFence(later, { epoch: 2, attempt: 1, operation: 'op-2' })

    const refused = await failureOf(raise(), 'CONTROL_SCHEMA_FOREIGN')
    expect(refused.facts).toMatchObject({ owner: 'earlier', role: 'later' })
    const admin = await database.connectAsSuperuser()
    const tables = [
      'fence',
      'progress',
      'statement_log',
      'healed_index',
      'heartbeat',
      'standby_beat',
      'standby_marker',
      'row_recovery',
      'standby_origin',
      'schema_line',
      'standby_bound',
      'set_aside_index',
    ]
    await admin.execute(`ALTER SCHEMA capstan OWNER TO later;
      ${tables.map((table) => `ALTER TABLE capstan.${table} OWNER TO later`).join(';')}`)
    expect((await failureOf(raise(), 'CONTROL_SCHEMA_FOREIGN')).message).toContain('has a trigger, a rule or row security')
    await admin.execute('DROP TRIGGER spring ON capstan.fence')
    await raise()

    expect(await earlier.query('SELECT * FROM trap.sprung')).toEqual([])
    expect(await readFence(later)).toEqual({ epoch: 2, attempt: 1 })
    await Promise.all([earlier.close(), later.close()])
  })

  test.each([
    'CREATE RULE spring AS ON UPDATE TO capstan.fence DO ALSO SELECT 1',
    'ALTER TABLE capstan.fence ENABLE ROW LEVEL SECURITY',
    'ALTER TABLE capstan.progress RENAME TO gone; CREATE VIEW capstan.progress AS SELECT * FROM capstan.gone',
  ])('our own tables too are refused after %s', async (sql) => {
    const { database } = await open()
    await apply(database, FILES)
    const master = await database.connect()
    await master.execute(sql)

    await failureOf(apply(database, FILES), 'CONTROL_SCHEMA_FOREIGN')
  })

  test('nor are they used with a default, check, index, type or heir that runs what somebody else may change', async () => {
    const { database } = await open()
    await apply(database, FILES)
    const master = await database.connect()
    await master.execute(`CREATE FUNCTION public.spring() RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
      CREATE FUNCTION public.than(bigint, bigint) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'`)
    for (const sql of [
      'CREATE TABLE public.heir () INHERITS (capstan.fence)',
      'ALTER TABLE capstan.fence ADD CONSTRAINT spring CHECK (public.spring())',
      'ALTER TABLE capstan.fence ALTER operation SET DEFAULT public.spring()::text',
      'CREATE INDEX spring ON capstan.progress ((public.spring()))',
      'CREATE DOMAIN public.sprung AS text CHECK (public.spring()); ALTER TABLE capstan.heartbeat ALTER label TYPE public.sprung',
      'CREATE OPERATOR public.<<< (FUNCTION = public.than, LEFTARG = bigint, RIGHTARG = bigint); ALTER TABLE capstan.fence ADD CHECK (epoch OPERATOR(public.<<<) 9)',
    ]) {
      await master.execute(`BEGIN; ${sql}`)
      expect([sql, (await failureOf(readFence(master), 'CONTROL_SCHEMA_FOREIGN')).message]).toEqual([
        sql,
        expect.stringContaining('what that runs would have the rights of master'),
      ])
      await master.execute('ROLLBACK')
    }
    expect(await readFence(master)).toEqual({ epoch: 0, attempt: 0 })
  })

  test('having created a role is no membership in it', async () => {
    const { database } = await open()
    const master = await database.connect()
    const minor = `minor_${major}`
    await master.execute(
      `CREATE ROLE ${minor} LOGIN PASSWORD 'secret'; GRANT CREATE ON DATABASE ${database.options.database} TO ${minor}`,
    )
    const own = await connect({ ...database.options, user: minor })
    await own.execute('CREATE SCHEMA capstan')
    await own.close()

    await failureOf(apply(database, FILES), 'CONTROL_SCHEMA_FOREIGN')
  })

  test('what an older release left is completed', async () => {
    const { database } = await open()
    await apply(database, FILES)
    const master = await database.connect()
    await master.execute('DROP TABLE capstan.healed_index')

    await apply(database, FILES)

    expect(await master.query(`SELECT to_regclass('capstan.healed_index')::text AS healed`)).toEqual([
      { healed: 'capstan.healed_index' },
    ])
  })

  test('a schema that stands needs no right to create schemas', async () => {
    const { database, as } = await open()
    const earlier = await as('earlier')
    await raiseFence(earlier, { epoch: 1, attempt: 1, operation: 'op-1' })
    await earlier.execute('DROP TABLE capstan.row_recovery')
    await superuser.execute(`REVOKE CREATE ON DATABASE ${database.options.database} FROM earlier`)

    await raiseFence(earlier, { epoch: 2, attempt: 1, operation: 'op-2' })

    expect(await earlier.query(`SELECT to_regclass('capstan.row_recovery')::text AS made`)).toEqual([
      { made: 'capstan.row_recovery' },
    ])
    await earlier.close()
  })

  test('a fence from before attempts became clock values takes one', async () => {
    const { database } = await open()
    await apply(database, FILES)
    const master = await database.connect()
    await master.execute('ALTER TABLE capstan.fence ALTER COLUMN attempt TYPE int')
    const attempt = 1_795_000_000_000

    await raiseFence(master, { epoch: 1, attempt, operation: 'op-1' })

    expect(await readFence(master)).toEqual({ epoch: 1, attempt })
  })
})
