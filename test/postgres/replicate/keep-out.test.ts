/** Applications are kept out of a standby, and come in again exactly as they could before. */
import { connect, type Session } from '../../../postgres/connect/session'
import { openKeyhole } from '../../../postgres/fence/keyhole'
import { raiseFence } from '../../../postgres/migrate/fence'
import { giveBack, keepOut, letIn } from '../../../postgres/replicate/keep-out'
import { failureOf } from '../support/apply'
import { startTestServer, type TestDatabase, type TestServer } from '../support/server'

describe.each([15, 17] as const)('PostgreSQL %i', (major) => {
  let server: TestServer
  let superuser: Session
  let attempt = 0
  beforeAll(async () => {
    server = await startTestServer(major)
    superuser = await (await server.database()).connectAsSuperuser()
    await superuser.execute(
      ['app', 'reader', 'migrator', '"Odd ""role"']
        .map((role) => `CREATE ROLE ${role} LOGIN PASSWORD 'secret'`)
        .concat('CREATE ROLE deputy LOGIN', 'GRANT migrator TO deputy')
        .join('; '),
    )
  })
  afterAll(() => server?.stop())

  async function inKeyhole<T>(
    { options }: TestDatabase,
    work: (session: Session, token: { epoch: number; attempt: number }) => Promise<T>,
  ): Promise<T> {
    const session = await openKeyhole({ connectTo: (database) => connect({ ...options, database }), from: ['postgres'] })
    try {
      attempt += 1
      const { token } = await raiseFence(session, { epoch: 1, attempt, operation: 'op-one' })
      return await work(session, token)
    } finally {
      await session.close()
    }
  }
  const out = (database: TestDatabase, { operation = 'op-one', keep = ['migrator', 'master', 'nobody'] } = {}) =>
    inKeyhole(database, (session, token) => keepOut(session, { database: database.options.database, token, operation, keep }))
  const back = (database: TestDatabase) =>
    inKeyhole(database, (session, token) => letIn(session, { database: database.options.database, token }))
  const acl = async ({ options: { database } }: TestDatabase) => {
    const [row] = await superuser.query<{ acl: string[] }>(
      `SELECT ARRAY(SELECT concat_ws(' ', coalesce(r.rolname, 'PUBLIC'), e.privilege_type, e.is_grantable) FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) e
                     LEFT JOIN pg_roles r ON r.oid = e.grantee ORDER BY 1) AS acl FROM pg_database WHERE datname = $1`,
      [database],
    )
    return row?.acl
  }
  const asked = ({ options }: TestDatabase, user: string) => connect({ ...options, user }).then((session) => session.close())

  test('who was inside is ended, and only who is named comes in; afterwards all is as it was', async () => {
    const database = await server.database()
    const name = database.options.database
    const owner = await database.connect()
    await owner.execute(
      `GRANT CONNECT ON DATABASE ${name} TO reader WITH GRANT OPTION; GRANT CONNECT ON DATABASE ${name} TO "Odd ""role"`,
    )
    const before = await acl(database)
    const inside = await connect({ ...database.options, user: 'app' })
    expect(await out(database)).toEqual({ revoked: ['Odd "role', 'PUBLIC', 'reader'], stillIn: ['deputy'] })
    await expect(inside.query('SELECT 1')).rejects.toThrow()
    for (const user of ['app', 'reader', 'Odd "role']) await expect(asked(database, user)).rejects.toThrow()
    for (const user of ['migrator', 'master']) await asked(database, user)
    expect(await back(database)).toEqual({ back: ['Odd "role', 'PUBLIC', 'reader'], gone: [] })
    expect(await acl(database)).toEqual(before)
    expect(await back(database)).toEqual({ back: [], gone: [] })
    expect(await acl(database)).toEqual(before)
    await owner.close()
  })

  test('as whom another one follows it keeps what it was given, when applications come in again', async () => {
    const database = await server.database()
    const { database: name } = database.options
    const owner = await database.connect()
    await owner.execute(`REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC; GRANT CONNECT ON DATABASE ${name} TO app`)
    await out(database)
    await asked(database, 'migrator')
    const stay = ['migrator']
    expect(await inKeyhole(database, (session, token) => letIn(session, { database: name, token, stay }))).toEqual({
      back: ['app'],
      gone: [],
    })
    await asked(database, 'app')
    await asked(database, 'migrator')
    await owner.close()
  })

  test('an owner that is nobody of ours is told: no grant keeps him out', async () => {
    const database = await server.database()
    const name = database.options.database
    await superuser.execute(
      `CREATE ROLE landlord LOGIN PASSWORD 'secret'; GRANT landlord TO master; ALTER DATABASE ${name} OWNER TO landlord`,
    )
    expect((await out(database)).stillIn).toEqual(['deputy', 'landlord'])
    await asked(database, 'landlord')
  })

  test('a session that the master may not end is told, with CONNECT taken already, and what was taken can be given back', async () => {
    const database = await server.database()
    const inside = await connect({ ...database.options, user: 'app' })
    await superuser.execute('REVOKE pg_signal_backend FROM master')
    try {
      const refused = await failureOf(out(database), 'CREDENTIALS_REJECTED')
      expect(refused.message).toContain('CONNECT is taken from them')
      await expect(asked(database, 'app')).rejects.toThrow()
    } finally {
      await superuser.execute('GRANT pg_signal_backend TO master')
      await inside.close()
    }
    expect(await back(database)).toEqual({ back: ['PUBLIC'], gone: [] })
    await asked(database, 'app')
  })

  test('what one operation took it gives back, and who was kept out before it stays so', async () => {
    const database = await server.database()
    const name = database.options.database
    const owner = await database.connect()
    const returned = (operation: string) =>
      inKeyhole(database, (session, token) => giveBack(session, { database: name, token, operation }))
    await out(database)
    const before = await acl(database)
    // as a keyhole was made before it could remember
    await inKeyhole(database, (session) => session.execute('ALTER TABLE capstan.kept_out DROP COLUMN before'))
    await owner.execute(`GRANT CONNECT ON DATABASE ${name} TO reader`)
    const keep = ['migrator', 'master', 'app']
    for (const _ of ['once', 'again']) await out(database, { operation: 'op-two', keep })
    await expect(asked(database, 'reader')).rejects.toThrow()
    await asked(database, 'app')
    expect(await returned('op-three')).toEqual({ back: [], gone: [] })
    expect(await returned('op-two')).toEqual({ back: ['reader'], gone: [] })
    await asked(database, 'reader')
    await expect(asked(database, 'app')).rejects.toThrow()
    await owner.execute(`REVOKE CONNECT ON DATABASE ${name} FROM reader`)
    expect(await acl(database)).toEqual(before)
    expect(await returned('op-two')).toEqual({ back: [], gone: [] })
    expect(await back(database)).toEqual({ back: ['PUBLIC'], gone: [] })
    // where nobody was kept out before, all of it
    await out(database, { operation: 'op-two', keep })
    expect(await returned('op-two')).toEqual({ back: ['PUBLIC'], gone: [] })
    await owner.close()
  })

  test('said twice, what was granted in between is taken and put back with the rest; a role that is gone is told', async () => {
    const database = await server.database()
    const name = database.options.database
    const owner = await database.connect()
    await out(database)
    await superuser.execute('CREATE ROLE passing LOGIN')
    await owner.execute(`GRANT CONNECT ON DATABASE ${name} TO app, passing`)
    expect((await out(database)).revoked).toEqual(['PUBLIC', 'app', 'passing'])
    await expect(asked(database, 'app')).rejects.toThrow()
    await superuser.execute('DROP ROLE passing')
    expect(await back(database)).toEqual({ back: ['PUBLIC', 'app'], gone: ['passing'] })
    await asked(database, 'app')
    await owner.close()
  })

  test('a grant that its owner did not give is not guessed at, and an attempt that was overtaken takes nothing', async () => {
    const database = await server.database()
    const name = database.options.database
    const owner = await database.connect()
    await owner.execute(`GRANT CONNECT ON DATABASE ${name} TO reader WITH GRANT OPTION; SET ROLE NONE`)
    const reader = await connect({ ...database.options, user: 'reader' })
    await reader.execute(`GRANT CONNECT ON DATABASE ${name} TO app`)
    await reader.close()
    const before = await acl(database)
    expect((await failureOf(out(database), 'FENCE_REFUSED')).message).toContain('app may connect')
    const late = inKeyhole(database, async (session, token) => {
      await raiseFence(session, { ...token, attempt: token.attempt + 1, operation: 'op-one' })
      attempt += 1
      return keepOut(session, { database: name, token, operation: 'op-one', keep: [] })
    })
    await failureOf(late, 'FENCED_OFF')
    expect(await acl(database)).toEqual(before)
    await owner.close()
  })
})
