/** A closed database that is opened to the workers of its subscriptions alone: what a source is that is followed back. */
import { Client, type ClientConfig } from 'pg'
import type { PostgresMajor } from '../../../pgserver/binaries'
import type { ConnectOptions } from '../../../postgres/connect/connect-options'
import { connect, type Session } from '../../../postgres/connect/session'
import { ownGuest } from '../../../postgres/fence/guests'
import { openKeyhole } from '../../../postgres/fence/keyhole'
import { openToWorkers, type ProveWorkersOnlyInput, proveWorkersOnly } from '../../../postgres/fence/workers-only'
import { raiseFence } from '../../../postgres/migrate/fence'
import { until } from '../../support/eventually'
import { failureOf } from '../support/apply'
import { startTestServer, type TestDatabase, type TestServer } from '../support/server'
import { fenceUnderTest } from './support'

export function workersOnlySuite(major: PostgresMajor): void {
  describe(`a database of PostgreSQL ${major} for workers only`, () => workersOnlyTests(major))
}

function workersOnlyTests(major: PostgresMajor): void {
  let server: TestServer
  let superuser: Session
  let count = 0
  beforeAll(async () => {
    server = await startTestServer(major, { wal_retrieve_retry_interval: '200ms' })
    superuser = await (await server.database()).connectAsSuperuser()
    const login = `LOGIN PASSWORD 'secret'`
    await superuser.execute(
      `CREATE ROLE app ${login}; CREATE ROLE follower ${login} REPLICATION; CREATE ROLE sender ${login} REPLICATION`,
    )
  })
  afterAll(() => server?.stop())

  interface Source {
    readonly name: string
    readonly scope: { readonly databases: readonly string[] }
    readonly options: ConnectOptions
    readonly app: ConnectOptions
    readonly operation: string
    readonly fence: ReturnType<typeof fenceUnderTest>
    readonly own: Session
    /** In the keyhole, under a new attempt. */
    opened(attempt: number): Promise<string[]>
    proven(more?: Partial<ProveWorkersOnlyInput>): Promise<void>
  }

  async function source(): Promise<Source> {
    const { options, connect: open } = await server.database()
    const own = await open()
    await own.execute('CREATE TABLE written (n int PRIMARY KEY); GRANT INSERT, SELECT ON written TO app, sender')
    const [epoch, name, app] = [++count, options.database, { ...options, user: 'app' }]
    const operation = `op-${epoch}`
    const fence = fenceUnderTest(options, operation, epoch)
    const keyhole = () => openKeyhole({ connectTo: fence.connectTo, from: ['postgres'] })
    const inKeyhole = async <T>(work: (session: Session) => Promise<T>): Promise<T> => {
      const session = await keyhole()
      return work(session).finally(() => session.close())
    }
    const input = { raisedBy: operation, database: name }
    return {
      ...{ name, scope: { databases: [name] }, options, app, operation, fence, own },
      opened: (attempt) =>
        inKeyhole(async (session) => {
          const { token } = await raiseFence(session, { epoch, attempt, operation })
          return openToWorkers(session, { ...input, token })
        }),
      proven: (more = {}) =>
        inKeyhole((session) =>
          proveWorkersOnly(session, {
            ...{ ...input, token: { epoch, attempt: 1 }, connectAsWriter: () => connect(app) },
            ...more,
          }),
        ),
    }
  }

  const standsAt = async (name: string) =>
    (await superuser.query('SELECT datallowconn AS open, datconnlimit AS "limit" FROM pg_database WHERE datname = $1', [name]))[0]

  /** Follows `standby`, owned by the master: on 15 a superuser has to make it. */
  async function follow({ own, name, options }: Source, standby: TestDatabase): Promise<void> {
    const there = await standby.connectAsSuperuser()
    await there.execute('CREATE PUBLICATION back FOR TABLE written')
    await there.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [`back_${name}`])
    const inside = await connect({ ...options, user: 'postgres' })
    const from = `host=127.0.0.1 port=${server.port} dbname=${standby.options.database} user=follower password=secret`
    await inside.execute(
      `CREATE SUBSCRIPTION back_${name} CONNECTION '${from}' PUBLICATION back WITH (enabled = false, create_slot = false, slot_name = 'back_${name}', copy_data = false)`,
    )
    await superuser.execute('ALTER ROLE master SUPERUSER')
    await inside.execute(`ALTER SUBSCRIPTION back_${name} OWNER TO master`)
    await superuser.execute('ALTER ROLE master NOSUPERUSER')
    await inside.close()
    await own.query('SELECT 1')
  }

  test('its own subscription’s worker comes in and writes, and nobody who connects', async () => {
    const old = await source()
    const standby = await server.database()
    const there = await standby.connect()
    await there.execute('CREATE TABLE written (n int PRIMARY KEY); GRANT SELECT ON written TO follower')
    await follow(old, standby)
    const guests = [await ownGuest(old.own)]
    await superuser.execute(`ALTER DATABASE ${old.name} CONNECTION LIMIT 30`)
    await old.fence.raise(old.scope, 1, { guests })
    await old.fence.prove(old.scope, 2, { user: 'app' }, guests)
    expect(await old.opened(3)).toEqual(['follower', 'sender'])
    expect(await old.opened(4)).toEqual(['follower', 'sender'])
    expect(await standsAt(old.name)).toEqual({ open: true, limit: 0 })

    await old.own.execute(`ALTER SUBSCRIPTION back_${old.name} ENABLE`)
    await there.execute('INSERT INTO written VALUES (7)')
    await until('the row', async () => (await old.own.query('SELECT FROM written WHERE n = 7')).length > 0)
    await old.proven({ guests })
    for (const user of ['app', 'master'])
      await expect(connect({ ...old.options, user })).rejects.toMatchObject({ facts: { sqlState: '53300' } })

    // ended, it comes back though others are being turned away all the time
    let over = false
    const knocking = [1, 2, 3, 4].map(async () => {
      while (!over)
        await connect(old.app).then(
          (session) => session.close(),
          () => undefined,
        )
    })
    await superuser.query(
      `SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = $1 AND backend_type LIKE 'logical replication%'`,
      [old.name],
    )
    await there.execute('INSERT INTO written VALUES (8)')
    await until('the next row', async () => (await old.own.query('SELECT FROM written WHERE n = 8')).length > 0)
    over = true
    await Promise.all(knocking)

    // closed anew it keeps workers out as well, and lowered it is what it was
    await old.fence.raise(old.scope, 5, { guests })
    await old.fence.prove(old.scope, 6, { user: 'app' }, guests)
    await old.opened(7)
    await old.fence.raise(old.scope, 8, { guests })
    expect(await old.fence.lower(9)).toEqual([old.name])
    expect(await standsAt(old.name)).toEqual({ open: true, limit: 30 })
    await old.own.execute(
      `ALTER SUBSCRIPTION back_${old.name} DISABLE; ALTER SUBSCRIPTION back_${old.name} SET (slot_name = NONE)`,
    )
    await old.own.execute(`DROP SUBSCRIPTION back_${old.name}`)
  })

  test('lowered from there it is open as it was, and an operation that did not close it opens it to nobody', async () => {
    const old = await source()
    await failureOf(old.opened(1), 'FENCE_REFUSED')
    await old.fence.raise(old.scope, 2)
    await old.opened(3)
    count += 1
    const later = fenceUnderTest(old.options, `op-${count}`, count)
    const held = await failureOf(later.raise(old.scope, 1), 'FENCE_REFUSED')
    expect(held.message).toContain(`is open to the workers of its subscriptions only, which ${old.operation} has seen to`)
    expect(await later.lower(2)).toEqual([])
    expect(await standsAt(old.name)).toEqual({ open: true, limit: 0 })
    count += 1
    const back = fenceUnderTest(old.options, old.operation, count)
    expect(await back.lower(1)).toEqual([old.name])
    expect(await standsAt(old.name)).toEqual({ open: true, limit: -1 })
    await failureOf(old.opened(4), 'FENCED_OFF')
  })

  test('sessions of replication are counted by no limit: whoever has one is told, and seen', async () => {
    const old = await source()
    await old.fence.raise(old.scope, 1)
    await old.opened(2)
    const { host, port, password } = old.options
    const config: ClientConfig & { replication: string } = {
      host,
      port,
      database: old.name,
      user: 'sender',
      password,
      replication: 'database',
    }
    const client = new Client(config)
    client.on('error', () => undefined)
    await client.connect()
    await client.query('INSERT INTO written VALUES (1)')
    const seen = await failureOf(old.proven(), 'FENCE_NOT_PROVEN')
    expect(seen.message).toContain(`there are sessions: sender in ${old.name}`)
    await client.end()
    await until(
      'it to be gone',
      async () => (await superuser.query(`SELECT FROM pg_stat_activity WHERE usename = 'sender'`)).length === 0,
    )
    const open = await failureOf(
      old.proven({ connectAsWriter: () => connect({ ...old.options, user: 'postgres' }) }),
      'FENCE_NOT_PROVEN',
    )
    expect(open.message).toContain(`postgres came into ${old.name}`)
    await old.fence.lower(3)
  })
}
