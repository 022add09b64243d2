import { Client, type ClientConfig } from 'pg'
import type { PostgresMajor } from '../../../pgserver/binaries'
import type { ConnectOptions } from '../../../postgres/connect/connect-options'
import { connect, type Session } from '../../../postgres/connect/session'
import { type Guest, ownGuest, walsenderGuest } from '../../../postgres/fence/guests'
import { eventually, until } from '../../support/eventually'
import { failureOf } from '../support/apply'
import { startTestServer, type TestServer } from '../support/server'
import { fenceUnderTest, openClient, startWriter } from './support'

/** `all`: with what takes long. */
export function guestsSuite(major: PostgresMajor, all: boolean): void {
  describe(`guests of a fence around PostgreSQL ${major}`, () => guestTests(major, all))
}

function guestTests(major: PostgresMajor, all: boolean): void {
  let server: TestServer
  let superuser: Session
  let count = 0
  const opened: Client[] = []

  beforeAll(async () => {
    server = await startTestServer(major, { max_parallel_workers_per_gather: '2', max_parallel_workers: '4' })
    const { options } = await server.database()
    superuser = await connect({ ...options, user: 'postgres', database: 'postgres' })
    await superuser.execute(`CREATE ROLE app LOGIN PASSWORD 'secret'; CREATE ROLE follower LOGIN REPLICATION PASSWORD 'secret'`)
  })
  afterAll(async () => {
    await Promise.all(opened.map((client) => client.end().catch(() => undefined)))
    await superuser?.close()
    await server?.stop()
  })

  interface House {
    readonly name: string
    readonly scope: { readonly databases: readonly string[] }
    readonly app: ConnectOptions
    readonly fence: ReturnType<typeof fenceUnderTest>
    readonly slot: string
    /** Opened before the fence, as the master. */
    readonly own: Session
    readonly guests: readonly Guest[]
  }

  /** A database that is followed by one walsender, and in which a session of ours is. */
  async function house(): Promise<House> {
    const database = await server.database()
    const { options } = database
    const own = await database.connect()
    await own.execute('CREATE TABLE written (n int PRIMARY KEY); GRANT INSERT, SELECT ON written TO app')
    await own.execute('CREATE PUBLICATION forward FOR TABLE written')
    count += 1
    const slot = `forward_${options.database}`
    const there = await database.connectAsSuperuser()
    await there.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [slot])
    await follow(options, slot)
    return {
      name: options.database,
      scope: { databases: [options.database] },
      app: { ...options, user: 'app' },
      fence: fenceUnderTest(options, `op-${count}`, count),
      slot,
      own,
      guests: [await ownGuest(own), await walsenderGuest(own, slot)],
    }
  }

  /** A walsender, as a subscription's worker asks for one; `slot`: that it reads. Resolves once the server shows it. */
  async function follow(
    options: ConnectOptions,
    slot: string | null,
  ): Promise<{ readonly pid: number; readonly ended: Promise<void> }> {
    const { host, port, database, password } = options
    // the driver's types do not know it
    const config: ClientConfig & { replication: string } = {
      host,
      port,
      database,
      user: 'follower',
      password,
      replication: 'database',
    }
    const client = new Client(config)
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()))
    client.on('error', () => undefined)
    opened.push(client)
    await client.connect()
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid')
    if (slot !== null) {
      client
        .query(`START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names 'forward')`)
        .catch(() => undefined)
      await until(
        'the walsender to read its slot',
        async () =>
          (await superuser.query('SELECT FROM pg_replication_slots WHERE slot_name = $1 AND active', [slot])).length > 0,
      )
    }
    return { pid: rows[0].pid, ended }
  }

  const shown = async (pid: number) => (await superuser.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid])).length > 0

  test('stay and go on, while everybody else is ended, another walsender too', async () => {
    const { fence, scope, app, name, own, guests, slot } = await house()
    const writer = startWriter(app, 0)
    const second = await follow({ ...app, user: 'follower' }, null)
    await writer.progress(5)
    await fence.raise(scope, 1, { guests })
    await second.ended
    const proof = await fence.prove(scope, 2, { user: 'app' }, guests)
    expect(proof.guests).toEqual([
      {
        pid: own.backendPid,
        startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z$/),
        what: expect.stringContaining('master'),
      },
      { pid: expect.any(Number), startedAt: expect.any(String), what: `the walsender of slot ${slot}` },
    ])
    expect(proof.vendor.map(({ role }) => role)).toEqual(['postgres'])
    await own.execute('INSERT INTO written VALUES (-1)')
    expect(await walsenderGuest(superuser, slot)).toEqual(guests[1])
    // whoever was not invited is in the way
    const alone = await failureOf(fence.prove(scope, 3, { user: 'app' }, guests.slice(0, 1)), 'FENCE_NOT_PROVEN')
    expect(alone.message).toBe(`The fence does not hold: there are sessions: follower in ${name}.`)
    await fence.raise(scope, 4, { guests })
    expect(await fence.lower(5)).toEqual([name])
    await writer.progress(1)
    await writer.stop()
    expect(await own.query('SELECT FROM written WHERE n = -1')).toHaveLength(1)
  })

  test('whoever holds a slot and is no walsender is no guest', async () => {
    const { own, app } = await house()
    const reader = await connect({ ...app, user: 'postgres' })
    const slot = `held_${count}`
    await reader.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput', true)`, [slot])
    const refused = await failureOf(walsenderGuest(own, slot), 'FENCE_REFUSED')
    expect(refused.message).toContain(`process ${reader.backendPid} is a client backend`)
    await reader.close()
  })

  test('a statement of one can be cancelled, and it stays inside', async () => {
    const { fence, scope, own, guests } = await house()
    await fence.raise(scope, 1, { guests })
    const asked = new AbortController()
    const slept = own.query('SELECT pg_sleep(3600)', [], { signal: asked.signal })
    const asleep = `SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'`
    await until('it to sleep', async () => (await superuser.query(asleep, [own.backendPid])).length > 0)
    asked.abort(new Error('somebody aborted'))
    await expect(slept).rejects.toThrow('somebody aborted')
    await own.execute('INSERT INTO written VALUES (-2)')
    await fence.prove(scope, 2, { user: 'app' }, guests)
    await fence.lower(3)
  })

  test('one that is not who it was is told before anything is closed', async () => {
    const { fence, scope, app, name, own, guests } = await house()
    const [first, walsender] = guests
    if (first === undefined || walsender === undefined) throw new Error('two were invited')
    const { client } = await openClient(app)
    const [stranger] = (await client.query('SELECT pg_backend_pid() AS pid')).rows
    const other = { ...first, pid: stranger.pid }
    const before = await failureOf(fence.raise(scope, 1, { guests: [other, walsender] }), 'FENCE_REFUSED')
    expect(before.message).toContain(`(process ${other.pid}) is gone, and its number is that of another session, of app`)
    expect(await superuser.query('SELECT FROM pg_database WHERE datname = $1 AND datallowconn', [name])).toHaveLength(1)
    const elsewhere = await ownGuest(superuser)
    const outside = await failureOf(fence.raise(scope, 2, { guests: [elsewhere] }), 'FENCE_REFUSED')
    expect(outside.message).toContain(`(process ${elsewhere.pid}) is gone`)
    expect(await shown(own.backendPid)).toBe(true)

    await fence.raise(scope, 3, { guests })
    const later = await failureOf(
      fence.prove(scope, 4, { user: 'app' }, [first, { ...walsender, startedAt: first.startedAt }]),
      'FENCE_NOT_PROVEN',
    )
    expect(later.message).toContain(`its number is that of another session, of follower`)
    expect(later.message).toContain(`there are sessions: follower in ${name}`)
    await fence.lower(5)
  })

  test('one that is lost meanwhile is told, and does not come back', async () => {
    const { fence, scope, app, guests, slot } = await house()
    await fence.raise(scope, 1, { guests })
    await fence.prove(scope, 2, { user: 'app' }, guests)
    await superuser.query('SELECT pg_terminate_backend($1, 60000)', [guests[1]?.pid])
    const lost = await failureOf(fence.prove(scope, 3, { user: 'app' }, guests), 'FENCE_NOT_PROVEN')
    expect(lost.message).toBe(`The fence does not hold: the walsender of slot ${slot} (process ${guests[1]?.pid}) is gone.`)
    await expect(follow({ ...app, user: 'follower' }, slot)).rejects.toMatchObject({ code: '55000' })
    await failureOf(walsenderGuest(superuser, slot), 'FENCE_REFUSED')
    // raised anew it says so too, and stays raised until it is lowered
    await failureOf(fence.raise(scope, 4, { guests }), 'FENCE_REFUSED')
    await fence.lower(5)
    await follow({ ...app, user: 'follower' }, slot)
  })

  if (!all) return

  test('an uninvited walsender that came in is no proof', async () => {
    const { fence, scope, app, name, guests } = await house()
    await fence.raise(scope, 1, { guests })
    // by hand: let in, and closed behind it
    await superuser.execute(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
    const second = await follow({ ...app, user: 'follower' }, null)
    await superuser.execute(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
    const refused = await failureOf(fence.prove(scope, 2, { user: 'app' }, guests), 'FENCE_NOT_PROVEN')
    expect(refused.message).toBe(`The fence does not hold: there are sessions: follower in ${name}.`)
    await fence.raise(scope, 3, { guests })
    await second.ended
    await fence.prove(scope, 4, { user: 'app' }, guests)
    await fence.lower(5)
  })

  test('applications that are turned away and come again at once keep the fence from nothing', async () => {
    const { fence, scope, app, name, guests } = await house()
    let over = false
    let refused = 0
    const knocking = Array.from({ length: 12 }, async () => {
      while (!over)
        await openClient(app).then(
          ({ client }) => client.end().catch(() => undefined),
          () => (refused += 1),
        )
    })
    try {
      await fence.raise(scope, 1, { guests })
      for (let attempt = 2; attempt < 10; attempt += 1) {
        const before = refused
        expect(await fence.prove(scope, attempt, { user: 'app' }, guests)).toMatchObject({ closed: [name] })
        await until('more to be turned away', async () => refused > before + 5, 1)
      }
    } finally {
      over = true
      await Promise.all(knocking)
      await fence.lower(10)
    }
  })

  test('a guest reads with parallel workers, which are its own', async () => {
    const { fence, scope, own, guests } = await house()
    await own.execute('INSERT INTO written SELECT generate_series(1, 120000); ANALYZE written')
    await fence.raise(scope, 1, { guests })
    await own.execute(
      `SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2`,
    )
    const reading = own.query<{ n: number }>('SELECT count(*) AS n FROM written a JOIN written b ON a.n % 1000 = b.n % 1000')
    await eventually('a parallel worker', async () => {
      const [row] = await superuser.query<{ n: number }>('SELECT count(*) AS n FROM pg_stat_activity WHERE leader_pid = $1', [
        own.backendPid,
      ])
      return row?.n === 0 ? undefined : row
    })
    await fence.prove(scope, 2, { user: 'app' }, guests)
    expect(await reading).toEqual([{ n: 14_400_000 }])
    await fence.lower(3)
  })
}
