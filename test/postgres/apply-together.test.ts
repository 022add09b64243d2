import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../../postgres/connect/session'
import { ensureControlSchema } from '../../postgres/migrate/control-schema'
import { assertFence, raiseFence, readFence, standingEpoch, tagSession } from '../../postgres/migrate/fence'
import { readHistory } from '../../postgres/migrate/history'
import { acquireLock, lockKey } from '../../postgres/migrate/lock'
import { readStatementLog } from '../../postgres/observe/statement-recorder'
import { apply, failureOf, type Scripts } from './support/apply'
import { startCuttingProxy } from './support/cutting-proxy'
import { startTestServer, type TestDatabase, type TestServer } from './support/server'

const BASE: Scripts = { 'V1__orders.sql': 'CREATE TABLE orders (id bigint PRIMARY KEY, total int NOT NULL);' }

let server: TestServer
beforeAll(async () => {
  server = await startTestServer(15)
})
afterAll(() => server?.stop())

test('two runs at once: one applies, the other waits and finds nothing left', async () => {
  const database = await server.database()
  const scripts = {
    ...BASE,
    'V2__slow.sql': 'SELECT pg_sleep(0.3);',
    'V3__index.sql': 'CREATE INDEX CONCURRENTLY o ON orders (total);',
  }

  const runs = await Promise.all([1, 2, 3].map(() => apply(database, scripts, { lockWaitMs: 120_000 })))

  expect(runs.map(({ applied }) => applied.length).sort()).toEqual([0, 0, 3])
  const session = await database.connect()
  expect((await readHistory(session)).rows.map(({ installedRank }) => installedRank)).toEqual([1, 2, 3])
})

test('a lock that another run keeps is refused, naming its holder', async () => {
  const database = await server.database()
  const holder = await database.connect('flyway by hand')
  await holder.query('SELECT pg_advisory_lock($1::bigint)', ['77433833903597'])

  const failure = await failureOf(apply(database, BASE), 'MIGRATION_LOCK_HELD')

  expect(failure.message).toContain(`process ${holder.backendPid} (flyway by hand)`)
})

test('the lock is on the key that Flyway uses', async () => {
  const database = await server.database()
  const session = await database.connect()
  await acquireLock(session, { waitMs: 0 })

  expect(lockKey()).toBe(77_433_833_903_597n)
  expect(
    await session.query(
      `SELECT ((classid::bigint << 32) | objid::bigint) AS key FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()`,
    ),
  ).toEqual([{ key: 77_433_833_903_597 }])
})

describe('the fence', () => {
  test('refuses an older epoch, and whoever acts under an older one', async () => {
    const database = await server.database()
    const session = await database.connect()
    expect([await readFence(session), await standingEpoch(session)]).toEqual([{ epoch: 0, attempt: 0 }, 0])
    expect(await readStatementLog(session)).toEqual([])
    const { token } = await raiseFence(session, { epoch: 7, attempt: 2, operation: 'op-7' })

    await failureOf(raiseFence(session, { epoch: 6, attempt: 9, operation: 'op-6' }), 'FENCED_OFF')
    await failureOf(apply(database, BASE, { fence: { epoch: 6, attempt: 9 } }), 'FENCED_OFF')
    await failureOf(apply(database, BASE, { fence: { epoch: 7, attempt: 1 } }), 'FENCED_OFF')

    expect(token).toEqual({ epoch: 7, attempt: 2 })
    expect([await readFence(session), await standingEpoch(session)]).toEqual([token, 7])
    expect((await apply(database, BASE, { fence: token })).version).toBe('1')
  })

  test('refuses the epoch of another operation, whatever the attempt', async () => {
    const database = await server.database()
    const session = await database.connect()
    await raiseFence(session, { epoch: 7, attempt: 2, operation: 'op-7' })

    for (const attempt of [1, 2, 3]) {
      const failure = await failureOf(raiseFence(session, { epoch: 7, attempt, operation: 'restored' }), 'FENCED_OFF')
      expect(failure.facts).toMatchObject({ epoch: 7, standingOperation: 'op-7' })
    }

    expect(await readFence(session)).toEqual({ epoch: 7, attempt: 2 })
  })

  test('an older attempt of the same operation cannot raise it any more, and a repeat of the newest changes nothing', async () => {
    const database = await server.database()
    const session = await database.connect()
    const raise = (attempt: number) => raiseFence(session, { epoch: 7, attempt, operation: 'op-7' })
    await raise(1_770_000_000_000)
    await raise(1_770_000_002_000)

    await failureOf(raise(1_770_000_000_000), 'FENCED_OFF')
    expect((await raise(1_770_000_002_000)).token).toEqual({ epoch: 7, attempt: 1_770_000_002_000 })
    await failureOf(apply(database, BASE, { fence: { epoch: 7, attempt: 1_770_000_000_000 } }), 'FENCED_OFF')
    expect((await apply(database, BASE, { fence: { epoch: 7, attempt: 1_770_000_002_000 } })).version).toBe('1')
  })

  test('raised by several at once, the newest stands whatever the order in which they come', async () => {
    const database = await server.database()
    const sessions = await Promise.all([3, 1, 2].map(async (attempt) => ({ attempt, session: await database.connect() })))
    const raising = sessions.map(({ attempt, session }) => raiseFence(session, { epoch: 3, attempt, operation: 'op-3' }))
    await Promise.allSettled(raising)

    expect(await readFence(await database.connect())).toEqual({ epoch: 3, attempt: 3 })
  })

  test('a newer attempt ends the backends of older ones, even one that holds the row in an open transaction', async () => {
    const database = await server.database()
    const zombie = await database.connect()
    await ensureControlSchema(zombie)
    await tagSession(zombie, { epoch: 0, attempt: 0 })
    await zombie.execute('BEGIN')
    await assertFence(zombie, { epoch: 0, attempt: 0 })
    const bystander = await database.connect('shop web')
    const session = await database.connect()

    const raised = await raiseFence(session, { epoch: 1, attempt: 1, operation: 'op' })

    expect(raised.terminated).toBe(1)
    await failureOf(zombie.execute('COMMIT'), 'CONNECTION_LOST')
    expect(await bystander.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('an attempt that is overtaken while it runs changes nothing more', async () => {
    const database = await server.database()
    await apply(database, BASE)
    const session = await database.connect()
    const scripts = { ...BASE, 'V2__a.sql': 'CREATE TABLE a ();', 'V3__b.sql': 'CREATE TABLE b (); SELECT pg_sleep(30);' }
    let raised: Promise<unknown> | undefined

    const run = apply(database, scripts, {
      onEvent: (event) => {
        // at the first of its statements, and not by the same session again at the second
        if (event.type === 'statement-started' && event.script === 'V3__b.sql')
          raised ??= raiseFence(session, { epoch: 5, attempt: 1, operation: 'other' })
      },
    })

    const failure = await failureOf(run)
    await raised
    expect(failure.code).toBe('CONNECTION_LOST')
    expect((await readHistory(session)).rows.map(({ version }) => version)).toEqual(['1', '2'])
  })
})

describe('when connections break', () => {
  test('a COMMIT whose answer is lost counts as what it was', async () => {
    const database = await server.database()
    await apply(database, BASE)
    const proxy = await startCuttingProxy(server)
    try {
      const through = throughProxy(database, proxy.port)
      const scripts = { ...BASE, 'V2__a.sql': 'CREATE TABLE a ();', 'V3__b.sql': 'CREATE TABLE b ();' }

      const result = await apply(through, scripts, {
        onEvent: (event) => {
          if (event.type === 'statement-started' && event.script === 'V2__a.sql') proxy.cutAfter('COMMIT')
        },
      })

      expect(result.applied.map(({ version }) => version)).toEqual(['2', '3'])
      const session = await database.connect()
      expect((await readHistory(session)).rows.map(({ version }) => version)).toEqual(['1', '2', '3'])
    } finally {
      await proxy.close()
    }
  })

  test('a run that is killed inside a concurrent build leaves nothing that stops the next one', async () => {
    const database = await server.database()
    await apply(database, BASE)
    const blocker = await database.connect()
    await blocker.execute('BEGIN ISOLATION LEVEL REPEATABLE READ')
    await blocker.query('SELECT 1')
    const proxy = await startCuttingProxy(server)
    const scripts = { ...BASE, 'V2__index.sql': 'CREATE INDEX CONCURRENTLY orders_total ON orders (total);' }
    try {
      const killed = failureOf(apply(throughProxy(database, proxy.port), scripts), 'CONNECTION_LOST')
      await untilBuilding(database)
      proxy.cutAll()
      await killed
    } finally {
      await proxy.close()
    }
    const next = apply(database, scripts, { lockWaitMs: 120_000 })
    await sleep(50)
    await blocker.execute('ROLLBACK')

    expect((await next).version).toBe('2')
    expect(await blocker.query(`SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_total'::regclass`)).toEqual([
      { indisvalid: true },
    ])
    expect(await blocker.query(`SELECT count(*) AS copies FROM pg_class WHERE relname ~ '^orders_total'`)).toEqual([
      { copies: 1 },
    ])
  })
})

function throughProxy(database: TestDatabase, port: number): TestDatabase {
  return { ...database, connect: (applicationName = 'test') => connect({ ...database.options, port, applicationName }) }
}

async function untilBuilding(database: TestDatabase): Promise<void> {
  const session = await database.connectAsSuperuser()
  for (let look = 0; look < 10_000; look++) {
    const rows = await session.query(
      `SELECT FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase LIKE 'waiting%'`,
    )
    if (rows.length > 0) return
    await sleep(10)
  }
  throw new Error('no index is being built')
}
