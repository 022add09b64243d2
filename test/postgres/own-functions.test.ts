import { isBeforeCatalog } from '../../postgres/connect/own-functions'
import { connect, type Session } from '../../postgres/connect/session'
import { info } from '../../postgres/migrate/info'
import { apply, failureOf, resolve } from './support/apply'
import { startTestServer, type TestDatabase, type TestServer } from './support/server'

/** What every statement of ours might call, made to tell on us. Whoever calls one leaves a row with its name. */
const TRAP = `CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO public;
  CREATE TABLE evil.sprung (who name); GRANT INSERT ON evil.sprung TO public;
  CREATE FUNCTION evil.current_setting(text) RETURNS text LANGUAGE sql AS $$
    INSERT INTO evil.sprung VALUES (current_user); SELECT pg_catalog.current_setting($1) $$;
  CREATE FUNCTION evil.pg_backend_pid() RETURNS int LANGUAGE sql AS $$
    INSERT INTO evil.sprung VALUES (current_user); SELECT pg_catalog.pg_backend_pid() $$;
  CREATE FUNCTION evil.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS $$
    INSERT INTO evil.sprung VALUES (current_user); SELECT pg_catalog.set_config($1, $2, $3) $$;
  CREATE FUNCTION evil.same(name, name) RETURNS boolean LANGUAGE sql AS $$
    INSERT INTO evil.sprung VALUES (current_user); SELECT $1 OPERATOR(pg_catalog.=) $2 $$;
  CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.same)`
const FILES = { 'V1__a.sql': 'CREATE TABLE a (id int)' }

describe.each([15, 17] as const)('PostgreSQL %i', (major) => {
  let server: TestServer
  let superuser: Session
  beforeAll(async () => {
    server = await startTestServer(major)
    superuser = await (await server.database()).connectAsSuperuser()
    await superuser.execute(`CREATE ROLE stranger LOGIN PASSWORD 'secret'; CREATE ROLE keeper; GRANT keeper TO master`)
  })
  afterAll(async () => {
    await superuser?.close()
    await server?.stop()
  })

  /** A database that belongs to a stranger, who has set the trap. */
  async function strangers(): Promise<{ database: TestDatabase; stranger: Session; name: string }> {
    const database = await server.database()
    const { database: name } = database.options
    await superuser.execute(`ALTER DATABASE ${name} OWNER TO stranger; GRANT CREATE ON DATABASE ${name} TO master`)
    const stranger = await connect({ ...database.options, user: 'stranger' })
    await stranger.execute(TRAP)
    return { database, stranger, name }
  }

  test.each(['evil, pg_catalog', '"$user", evil, PG_CATALOG', 'made_later, pg_catalog', 'pg_temp, evil, "pg_catalog"'])(
    'under the path %s that its owner gave it nothing of a database runs',
    async (path) => {
      const { database, stranger, name } = await strangers()
      await stranger.execute(`ALTER DATABASE ${name} SET search_path = ${path}`)

      for (const user of ['postgres', 'master']) {
        const open = () => connect({ ...database.options, user })
        const refused = await failureOf(open(), 'DATABASE_REFUSED')
        expect(refused.message).toBe(
          `The search_path of ${user} in ${name} has another schema before pg_catalog, whose functions would run in place of ` +
            `PostgreSQL's own with the rights of ${user}: find who set it (\\drds in psql), and leave pg_catalog out of it or put it first.`,
        )
        await failureOf(apply(database, FILES, { connect: open }), 'DATABASE_REFUSED')
      }

      expect(await stranger.query('SELECT who FROM evil.sprung WHERE who <> session_user')).toEqual([])
      await stranger.close()
    },
  )

  test('a path without pg_catalog in it stays as it is for the migrations, and its functions do not run in place of our own', async () => {
    const { database, stranger, name } = await strangers()
    await stranger.execute(`GRANT ALL ON SCHEMA evil TO master; ALTER DATABASE ${name} SET search_path = evil, public`)

    await apply(database, FILES)
    const master = await database.connect()
    await info(master, resolve(FILES))

    expect(await master.query(`SELECT to_regclass('evil.a')::text AS a`)).toEqual([{ a: 'a' }])
    expect(await stranger.query('SELECT who FROM evil.sprung')).toEqual([])
    await stranger.close()
  })

  test('a role that the owner of a database gives to everybody is refused, one of the user itself is taken', async () => {
    const { database, stranger, name } = await strangers()
    await superuser.execute(`GRANT stranger TO master; ALTER DATABASE ${name} SET role = stranger`)
    const refused = await failureOf(database.connect(), 'DATABASE_REFUSED')
    expect(refused.facts).toMatchObject({ user: 'master', role: 'stranger' })

    await superuser.execute(`ALTER ROLE master IN DATABASE ${name} SET role = keeper`)
    const master = await database.connect()
    expect(await master.query('SELECT current_user::text AS me')).toEqual([{ me: 'keeper' }])
    await superuser.execute('REVOKE stranger FROM master')
    await stranger.close()
  })
})

test.each([
  ['"$user", public', false],
  ['', false],
  ['""', false],
  ['pg_catalog, evil', false],
  ['pg_temp, pg_catalog, evil', false],
  ['"PG_CATALOG", evil', false],
  ['"a, pg_catalog", b', false],
  ['evil,pg_catalog', true],
  ['Evil , Pg_Catalog', true],
  ['"a""b", "pg_catalog"', true],
])('the path %s has another schema before pg_catalog: %s', (path, before) => {
  expect(isBeforeCatalog(path)).toBe(before)
})
