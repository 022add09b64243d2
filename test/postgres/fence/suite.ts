import fc from 'fast-check'
import type { PostgresMajor } from '../../../pgserver/binaries'
import type { ConnectOptions } from '../../../postgres/connect/connect-options'
import { connect, type Session } from '../../../postgres/connect/session'
import { describeFence } from '../../../postgres/fence/describe'
import { KEYHOLE } from '../../../postgres/fence/keyhole'
import { until } from '../../support/eventually'
import { failureOf } from '../support/apply'
import { startCuttingProxy } from '../support/cutting-proxy'
import { startTestServer, type TestDatabase, type TestServer } from '../support/server'
import { fenceUnderTest, openClient, startWriter } from './support'

/** `all`: with what takes long. */
export function fenceSuite(major: PostgresMajor, all: boolean): void {
  describe(`a fence around PostgreSQL ${major}, raised by a master`, () => fenceTests(major, all))
}

function fenceTests(major: PostgresMajor, all: boolean): void {
  let server: TestServer
  let superuser: Session
  let count = 0
  const settings = { max_prepared_transactions: '5', max_logical_replication_workers: '4' }

  beforeAll(async () => {
    server = await startTestServer(major, settings)
    const { options } = await server.database()
    superuser = await connect({ ...options, user: 'postgres', database: 'postgres' })
    await superuser.execute(`CREATE ROLE app LOGIN PASSWORD 'secret'; CREATE ROLE report LOGIN PASSWORD 'secret'`)
  })
  afterAll(async () => {
    await superuser?.close()
    await server?.stop()
  })

  interface Shop extends TestDatabase {
    readonly name: string
    readonly scope: { readonly databases: readonly string[] }
    readonly app: ConnectOptions
    readonly fence: ReturnType<typeof fenceUnderTest>
  }

  /** A database with a table that app and report may write to. Each has epochs of its own: operations of one instance never share one. */
  async function shop(): Promise<Shop> {
    const database = await server.database()
    const { options } = database
    const master = await database.connect()
    await master.execute('CREATE TABLE written (n int PRIMARY KEY); GRANT INSERT, SELECT ON written TO app, report')
    await master.close()
    count += 1
    return {
      ...database,
      name: options.database,
      scope: { databases: [options.database] },
      app: { ...options, user: 'app' },
      fence: fenceUnderTest(options, `op-${count}`, count),
    }
  }

  async function openDatabases(): Promise<string[]> {
    const rows = await superuser.query<{ name: string }>(
      'SELECT datname::text AS name FROM pg_database WHERE datallowconn ORDER BY 1',
    )
    return rows.map(({ name }) => name)
  }

  test('ends writers of every role, lets none back in, and loses nothing that was acknowledged', async () => {
    const { fence, scope, options, app, name } = await shop()
    const idle = await openClient(app)
    await idle.client.query('BEGIN; INSERT INTO written VALUES (-1)')
    const writers = [app, { ...options, user: 'report' }, options, app, app].map((one, index) =>
      startWriter(one, index * 1_000_000),
    )
    await Promise.all(writers.map((writer) => writer.progress(20)))

    const raised = await fence.raise(scope, 1)
    await idle.ended
    const atRaised = writers.map(({ acknowledged }) => acknowledged.length)
    const proof = await fence.prove(scope, 2, { user: 'app' })

    expect(raised.closed.map((one) => one.name)).toEqual([name])
    expect(raised.ended).toBeGreaterThanOrEqual(6)
    expect(proof).toMatchObject({ closed: [name], closedBefore: [], writer: { user: 'app', sqlState: '55000' } })
    expect(writers.map(({ acknowledged }) => acknowledged.length)).toEqual(atRaised)
    const [log] = await superuser.query<{ before: boolean }>('SELECT $1::pg_lsn <= pg_current_wal_flush_lsn() AS before', [
      proof.lsn,
    ])
    expect(log?.before).toBe(true)

    expect(await fence.lower(3)).toEqual([name])
    await Promise.all(writers.map((writer) => writer.progress(1)))
    await Promise.all(writers.map((writer) => writer.stop()))
    const session = await connect(options)
    const rows = await session.query<{ n: number }>('SELECT n FROM written')
    await session.close()
    const there = new Set(rows.map(({ n }) => n))
    expect(writers.flatMap(({ acknowledged }) => acknowledged).filter((n) => !there.has(n))).toEqual([])
    expect(there.has(-1)).toBe(false)
  })

  test('without the end of the sessions there is no proof', async () => {
    const { fence, scope, app, name } = await shop()
    await fence.raise(scope, 1)
    expect(await fence.lower(2)).toEqual([name])
    const inside = await openClient(app)
    await fence.raise(scope, 3)
    await inside.ended
    // by hand: closed, and nobody ended
    await superuser.execute(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
    const stays = await openClient(app)
    await superuser.execute(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
    await stays.client.query('BEGIN READ WRITE; INSERT INTO written VALUES (1); COMMIT')
    const refused = await failureOf(fence.prove(scope, 4, { user: 'app' }), 'FENCE_NOT_PROVEN')
    expect(refused.message).toBe(`The fence does not hold: there are sessions: app in ${name}.`)

    await fence.raise(scope, 5)
    await stays.ended
    await fence.prove(scope, 6, { user: 'app' })
    await fence.lower(7)
  })

  test('a prepared transaction is named, before anything is closed', async () => {
    const { fence, scope, app, name } = await shop()
    const { client } = await openClient(app)
    await client.query(`BEGIN; INSERT INTO written VALUES (7); PREPARE TRANSACTION 'half-${name}'`)
    const refused = await failureOf(fence.raise(scope, 1), 'FENCE_REFUSED')
    expect(refused.message).toContain(`Prepared transaction half-${name} of app in ${name}`)
    expect(await openDatabases()).toContain(name)
    await client.query(`COMMIT PREPARED 'half-${name}'`)
    await fence.raise(scope, 2)
    await fence.prove(scope, 3, { user: 'app' })
    await fence.lower(4)
  })

  test('an attempt that was overtaken neither raises nor lowers', async () => {
    const { fence, scope, name } = await shop()
    await fence.raise(scope, 5)
    await failureOf(fence.lower(4), 'FENCED_OFF')
    expect(await openDatabases()).not.toContain(name)
    await fence.lower(6)
    await failureOf(fence.raise(scope, 5), 'FENCED_OFF')
    expect(await openDatabases()).toContain(name)
    // a lowering that found nothing keeps an earlier raising off all the same
    const never = await shop()
    expect(await never.fence.lower(9)).toEqual([])
    await failureOf(never.fence.raise(never.scope, 8), 'FENCED_OFF')
  })

  if (!all) return

  test('of a whole instance closes all that is a customer’s, and opens exactly that again', async () => {
    const one = await shop()
    const other = await shop()
    await superuser.execute(`ALTER DATABASE ${other.name} ALLOW_CONNECTIONS false`)
    const before = await openDatabases()
    const { closed } = await one.fence.raise('instance', 1)
    // what is the server's own and empty stays open: a master may not close it
    expect(await openDatabases()).toEqual([KEYHOLE, 'postgres', 'template1'])
    expect(closed.map(({ name }) => name)).toContain(one.name)
    expect(closed.map(({ name }) => name)).not.toContain(other.name)
    expect(await one.fence.prove('instance', 2, { user: 'app' })).toMatchObject({ empty: ['postgres', 'template1'] })

    await one.fence.lower(3)
    expect(await openDatabases()).toEqual([...new Set([...before, KEYHOLE])].sort())
    expect(await one.fence.lower(4)).toEqual([])
    await superuser.execute(`ALTER DATABASE ${other.name} ALLOW_CONNECTIONS true`)
  })

  test('a default of read-only transactions is no fence, and neither is a writer who was kept out by a wrong password', async () => {
    const { fence, scope, app, name } = await shop()
    const master = await connect({ ...app, user: 'master' })
    await master.execute(`ALTER DATABASE ${name} SET default_transaction_read_only = on`)
    await master.close()
    const open = await failureOf(fence.prove(scope, 1, { user: 'app' }), 'FENCE_NOT_PROVEN')
    expect(open.message).toContain(`${name} takes connections`)
    expect(open.message).toContain(`app came into ${name} and could write`)
    await fence.raise(scope, 2)
    const unsure = await failureOf(fence.prove(scope, 3, { user: 'app', password: 'wrong' }), 'FENCE_NOT_PROVEN')
    expect(unsure.message).toContain('the writer was kept out by something else')
    await fence.lower(4)
  })

  test('what one operation closed is not opened by another that finds it closed', async () => {
    const { fence, scope, options, name } = await shop()
    await fence.raise(scope, 1)
    count += 1
    const later = fenceUnderTest(options, `op-${count}`, count)
    expect((await later.raise(scope, 1)).closed).toEqual([])
    expect(await later.lower(2)).toEqual([])
    expect(await openDatabases()).not.toContain(name)
    await superuser.execute(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
  })

  test('cut off at any statement and repeated, it ends the same', async () => {
    const texts = [
      'CREATE DATABASE',
      'REVOKE ALL',
      'CREATE TABLE capstan.closed',
      'INSERT INTO capstan.closed',
      'ALTER DATABASE',
      'pg_terminate_backend',
    ]
    const backwards = ['DELETE FROM capstan.closed', 'ALTER DATABASE']
    const proxy = await startCuttingProxy({ host: server.host, port: server.port })
    try {
      const { options, app, name, scope } = await shop()
      await superuser.execute(`DROP DATABASE ${KEYHOLE}`)
      const fence = fenceUnderTest({ ...options, host: '127.0.0.1', port: proxy.port }, `op-${count}`, count)
      let attempt = 0
      for (const text of texts) {
        const writer = await openClient(app)
        proxy.cutAfter(text)
        const before = proxy.cuts
        await expect(fence.raise(scope, ++attempt)).rejects.toThrow()
        expect([text, proxy.cuts]).toEqual([text, before + 1])
        expect((await fence.raise(scope, ++attempt)).closed.map((one) => one.name)).toEqual([name])
        await writer.ended
        if (text === texts.at(-1)) break
        expect(await fence.lower(++attempt)).toEqual([name])
        if (/CREATE|REVOKE/.test(texts[texts.indexOf(text) + 1] ?? '')) await superuser.execute(`DROP DATABASE ${KEYHOLE}`)
      }
      for (const text of backwards) {
        proxy.cutAfter(text)
        await expect(fence.lower(++attempt)).rejects.toThrow()
        await fence.lower(++attempt)
        expect(await openDatabases()).toContain(name)
        await fence.raise(scope, ++attempt)
      }
      await fence.lower(++attempt)
    } finally {
      await proxy.close()
    }
  })

  test('grants on the databases are what they were, whatever they were', async () => {
    const { fence, scope, name } = await shop()
    const rights = async () =>
      superuser.query(`SELECT datdba::regrole::text AS owner, datacl::text AS acl, datconnlimit, datallowconn,
          (SELECT string_agg(m::text, ',' ORDER BY m::text) FROM pg_auth_members m) AS members
        FROM pg_database WHERE datname = '${name}'`)
    let attempt = 0
    const grant = fc.record({
      give: fc.boolean(),
      what: fc.constantFrom('CONNECT', 'TEMPORARY', 'CREATE', 'ALL'),
      who: fc.constantFrom('PUBLIC', 'app', 'report', 'master'),
      pass: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(grant, { maxLength: 8 }), fc.constantFrom('master', 'app', 'postgres'), async (grants, owner) => {
        await superuser.execute(`ALTER DATABASE ${name} OWNER TO ${owner === 'postgres' ? 'master' : owner}`)
        for (const { give, what, who, pass } of grants) {
          const passed = pass && who !== 'PUBLIC' ? ' WITH GRANT OPTION' : ''
          await superuser.execute(
            give
              ? `GRANT ${what} ON DATABASE ${name} TO ${who}${passed}`
              : `REVOKE ${what} ON DATABASE ${name} FROM ${who} CASCADE`,
          )
        }
        if (major >= 16) await superuser.execute('GRANT app TO master WITH ADMIN TRUE, INHERIT FALSE, SET FALSE')
        const before = await rights()
        await fence.raise(scope, ++attempt)
        expect(await openDatabases()).not.toContain(name)
        await fence.lower(++attempt)
        expect(await rights()).toEqual(before)
      }),
      { numRuns: 15 },
    )
    await superuser.execute(`ALTER DATABASE ${name} OWNER TO master; REVOKE app FROM master`)
  })

  test('the plan says what is in the way, role by role, and changes nothing', async () => {
    const { fence, options, app, name } = await shop()
    const foreign = await shop()
    await superuser.execute(
      `CREATE ROLE stranger_${name} ${major >= 16 ? '' : 'SUPERUSER'}; ALTER DATABASE ${foreign.name} OWNER TO stranger_${name}`,
    )
    await superuser.execute(`REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC; GRANT CONNECT ON DATABASE ${name} TO report`)
    await superuser.execute(`GRANT CONNECT ON DATABASE ${name} TO app; REVOKE pg_signal_backend FROM master`)
    const { ended } = await openClient(app)
    const before = await openDatabases()
    const found = await describeFence({
      connectTo: fence.connectTo,
      scope: { databases: [name, foreign.name, 'nowhere'] },
      from: [options.database],
    })
    expect(found.databases).toMatchObject([
      { name, owner: 'master', public: false, grantees: ['app', 'master', 'report'], fate: 'close' },
      { name: foreign.name, way: null, fate: 'held' },
    ])
    const others = found.sessions.filter(({ vendor }) => !vendor)
    expect(others).toMatchObject([{ role: 'app', database: name, endable: false }])
    expect(found.obstacles).toEqual([
      'There is no database nowhere in the instance: correct the name.',
      `Database ${foreign.name} belongs to stranger_${name} and master may not close it: GRANT "stranger_${name}" TO "master".`,
      'master may not end sessions of app: GRANT pg_signal_backend TO "master", or GRANT "app" TO "master".',
      'master may not end sessions of report: GRANT pg_signal_backend TO "master", or GRANT "report" TO "master".',
    ])
    expect(await openDatabases()).toEqual(before)

    // a raising that nobody told so closes, cannot end the session, and says whose it is
    const late = await failureOf(fence.raise({ databases: [name] }, 1, { waitMs: 300 }), 'FENCE_REFUSED')
    expect(late.message).toContain(`app in ${name}`)
    await failureOf(fence.prove({ databases: [name] }, 2, { user: 'app' }), 'FENCE_NOT_PROVEN')
    await superuser.execute('GRANT pg_signal_backend TO master')
    await fence.raise({ databases: [name] }, 3)
    await ended
    await fence.lower(4)
    await superuser.execute(`ALTER DATABASE ${foreign.name} OWNER TO master`)
  })

  test('a subscription’s worker is kept out, and comes back', async () => {
    const source = await shop()
    const { fence, name, scope, options } = await shop()
    const inSource = await source.connectAsSuperuser()
    await inSource.execute('CREATE PUBLICATION forward FOR TABLE written')
    await inSource.execute(`SELECT pg_create_logical_replication_slot('forward_${name}', 'pgoutput')`)
    const inTarget = await connect({ ...options, user: 'postgres' })
    const from = `host=127.0.0.1 port=${server.port} dbname=${source.name} user=postgres password=secret`
    await inTarget.execute(
      `CREATE SUBSCRIPTION forward_${name} CONNECTION '${from}' PUBLICATION forward WITH (create_slot = false, slot_name = 'forward_${name}')`,
    )
    const owned = await describeFence({ connectTo: fence.connectTo, scope, from: [options.database] })
    expect(owned.obstacles).toEqual([
      `Subscription forward_${name} of ${name} writes by a worker of postgres, which master may not end: ALTER SUBSCRIPTION "forward_${name}" DISABLE.`,
    ])
    const workers = async (): Promise<(string | null)[]> => {
      const rows = await superuser.query<{ role: string | null }>(
        `SELECT usename::text AS role FROM pg_stat_activity WHERE datname = '${name}' AND backend_type LIKE 'logical replication%'`,
      )
      return rows.map(({ role }) => role)
    }
    // as on the clouds, where the master's own subscriptions are no superuser's. Still while its owner changes: a worker that is just starting
    // takes the role that the launcher saw and the owner that it finds, and stays the one's for ever
    await inTarget.execute(`ALTER SUBSCRIPTION forward_${name} DISABLE`)
    await until('its workers to end', async () => (await workers()).length === 0)
    await superuser.execute('ALTER ROLE master SUPERUSER')
    await inTarget.execute(`ALTER SUBSCRIPTION forward_${name} OWNER TO master`)
    await superuser.execute('ALTER ROLE master NOSUPERUSER')
    await inTarget.execute(`ALTER SUBSCRIPTION forward_${name} ENABLE`)
    await until('a worker of the master', async () => (await workers()).includes('master'))
    await fence.raise(scope, 1)
    await fence.prove(scope, 2, { user: 'app' })
    const app = await openClient(source.app)
    await app.client.query('INSERT INTO written VALUES (41)')
    await fence.prove(scope, 3, { user: 'app' })
    await fence.lower(4)
    const arrived = async () => (await inTarget.query('SELECT FROM written WHERE n = 41')).length
    while ((await arrived()) === 0) await new Promise((resolve) => setTimeout(resolve, 50))
    for (const act of ['DISABLE', 'SET (slot_name = NONE)']) await inTarget.execute(`ALTER SUBSCRIPTION forward_${name} ${act}`)
    await inTarget.execute(`DROP SUBSCRIPTION forward_${name}`)
    await inTarget.close()
    await app.client.end()
  })

  test('what else there is lets somebody through', async () => {
    const { name, app, options, connect: open } = await shop()
    const other = await connect({ ...options, database: 'postgres' })
    const enters = async (as: ConnectOptions) => {
      try {
        await (await connect(as)).close()
        return true
      } catch {
        return false
      }
    }
    const entering = async () => [await enters(app), await enters(options), await enters({ ...options, user: 'postgres' })]
    // app, the master, a superuser
    await other.execute(`ALTER DATABASE ${name} CONNECTION LIMIT 0`)
    expect(await entering()).toEqual([false, false, true])
    await other.execute(`ALTER DATABASE ${name} CONNECTION LIMIT -1; REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`)
    expect(await entering()).toEqual([false, true, true])
    // a grant that somebody else gave on is not taken by the owner’s REVOKE
    await other.execute(`GRANT CONNECT ON DATABASE ${name} TO app WITH GRANT OPTION`)
    const passing = await connect(app)
    await passing.execute(`GRANT CONNECT ON DATABASE ${name} TO report`)
    await passing.close()
    await other.execute(`REVOKE CONNECT ON DATABASE ${name} FROM report`)
    expect(await enters({ ...options, user: 'report' })).toBe(true)
    await other.execute(`REVOKE CONNECT ON DATABASE ${name} FROM app CASCADE; GRANT CONNECT ON DATABASE ${name} TO PUBLIC`)
    await other.execute(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
    expect(await entering()).toEqual([false, false, false])
    await other.execute(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
    const within = await open()
    await expect(within.execute(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)).rejects.toMatchObject({ sqlState: '22023' })
    await other.close()
  })
}
