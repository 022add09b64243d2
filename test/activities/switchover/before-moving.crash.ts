/** Up to its point of no return a switchover asks again and again what it stands on: in its plan, right before the fence, behind it, and before the endpoint
 *  moves. Each test disturbs one of these moments. */
import { connect } from '../../../postgres/connect/session'
import { openKeyhole } from '../../../postgres/fence/keyhole'
import { raiseFence, standingEpoch } from '../../../postgres/migrate/fence'
import { keepOut } from '../../../postgres/replicate/keep-out'
import { failureOf } from '../../postgres/support/apply'
import { until } from '../../support/eventually'
import { type Movers, type Moving, RAN_ROWS, startMovers } from './moving'

let movers: Movers
beforeAll(async () => {
  movers = await startMovers()
})
afterAll(() => movers?.stop())

const message = async (failing: Promise<unknown>, code: Parameters<typeof failureOf>[1]) =>
  (await failureOf(failing, code)).message
const writes = (it: Moving) => it.on('source', 'app', `INSERT INTO orders (what) VALUES ('on') RETURNING id`)
const follows = (it: Moving) =>
  until('the standby to follow', async () => {
    const newest = 'SELECT max(id)::int AS id FROM orders'
    const [[source], [standby]] = await Promise.all([it.on('source', 'mover', newest), it.on('standby', 'mover', newest)])
    return source?.id === standby?.id
  })
const moved = (it: Moving) => it.ledger.getDocument({ operation: it.operation, name: 'switchover-moved' })

test('the plan names who would write or read on the old side, what is not carried, and which right is lacking', async () => {
  const it = await movers.moving()
  expect((await it.plan()).blocks).toEqual([])
  await it.on(
    'source',
    'postgres',
    `CREATE ROLE deputy LOGIN; GRANT mover TO deputy; CREATE SCHEMA cron; CREATE TABLE cron.job (jobid int, active bool, database text, username text);
     INSERT INTO cron.job VALUES (1, true, current_database(), 'master'), (2, true, current_database(), 'app'), (3, false, current_database(), 'mover');
     GRANT USAGE ON SCHEMA cron TO master; GRANT SELECT ON cron.job TO master; CREATE ROLE stranger; ALTER TABLE orders OWNER TO stranger;
     INSERT INTO scratch VALUES (1); SELECT lo_create(0); SELECT pg_create_physical_replication_slot('in_the_region')`,
  )
  await it.on('source', 'master', `SELECT pg_create_logical_replication_slot('warehouse', 'pgoutput')`)
  await it.on('source', 'mover', 'CREATE SEQUENCE tickets')
  await it.on('standby', 'postgres', 'CREATE SEQUENCE public.tickets')
  const psql = await it.inside('source', 'master', 'psql')
  const { blocks, warnings } = await it.plan()
  const told = blocks.map(({ rule, message: one }) => `${rule} ${one}`)
  for (const one of [
    /^switchover:other-writers A session of master \(psql\) is in test_\d+: once it follows, no grant keeps master from writing there/,
    /^switchover:other-writers pg_cron runs a job in test_\d+ as master, which would write on the old writer: UPDATE cron.job SET active = false/,
    /^switchover:other-readers Slot warehouse \(pgoutput\) of somebody else keeps log of this database, .* SELECT pg_drop_replication_slot\('warehouse'\)/,
    /^switchover:uncarried The source has a large object/,
    /^switchover:rights master may not act as stranger on the source/,
    /^switchover:rights master may not set the sequence "public"."tickets" of the standby/,
  ])
    expect(told).toContainEqual(expect.stringMatching(one))
  expect(warnings.map(({ message: one }) => one)).toEqual([
    expect.stringContaining('a person moves applications'),
    'What these unlogged tables hold is not carried, and they are empty on the standby: public.scratch.',
    expect.stringMatching(/^deputy may log in to shop-\d+ past the grants/),
    expect.stringMatching(/^pg_cron runs a job in test_\d+ as app: they stay behind/),
    expect.stringContaining('Physical replicas stay with the old writer: slot in_the_region.'),
    ...['membership of deputy in mover', 'role deputy', 'role stranger'].map((one) => `The ${one} is not on the standby.`),
  ])
  await psql.close()
  await it.on(
    'source',
    'postgres',
    `SELECT pg_drop_replication_slot('in_the_region'), pg_drop_replication_slot('warehouse'); DROP SCHEMA cron CASCADE`,
  )
})

test('an approval is of these tables and sequences, and not of as many others', async () => {
  const it = await movers.moving()
  const digests: string[] = []
  for (const name of ['one', 'two']) {
    for (const side of ['source', 'standby'] as const) await it.on(side, 'mover', `CREATE SEQUENCE ${name}`)
    const { digest, blocks } = await it.plan()
    expect(blocks).toEqual([])
    await it.on('source', 'postgres', `CREATE ROLE passing_${name} LOGIN`)
    digests.push(digest, (await it.plan()).digest)
    for (const side of ['source', 'standby'] as const) await it.on(side, 'mover', `DROP SEQUENCE ${name}`)
  }
  expect(digests[0]).toBe(digests[1])
  expect(digests[2]).not.toBe(digests[0])
})

test('rows that the newest comparison found to differ are in the way, in the plan and right before the fence', async () => {
  const it = await movers.moving()
  const [, n] = it.operation.split('-')
  const [differing, at] = [
    { table: 'public.orders', onlyInSource: 1, onlyInStandby: 0, changed: 0, exact: true },
    new Date().toISOString(),
  ]
  const counts = { tables: 1, tablesDiffering: 1, left: [], tablesLeft: 0 }
  const told = { startedAt: at, endedAt: at, verdict: 'different', differing: [differing], ...counts } as const
  const note = { kind: 'seeded', table: null, told } as const
  await it.ledger.noteComparison({ source: `shop-${n}`, target: `stand-${n}`, note })
  const { blocks } = await it.plan()
  expect(blocks.map(({ rule, message: one }) => `${rule} ${one}`)).toEqual([
    expect.stringMatching(
      /^switchover:rows-differ stand-\d+ does not hold the rows that shop-\d+ does, .*public.orders: 1 rows are in the source alone/,
    ),
  ])
  await it.act((on) => on.prepareWayBack(it.input('way-back')))
  const before = await message(
    it.act((on) => on.fenceAndDrain(it.input('cross'))),
    'PLAN_DRIFTED',
  )
  expect(before).toMatch(/^Nobody was shut out: stand-\d+ does not hold the rows/)
  await writes(it)
})

test('a file of rows that is not in the standby’s history is in the way, and told by the watch: the new writer would run it again', async () => {
  const it = await movers.moving()
  await it.plan()
  await it.act((on) => on.prepareWayBack(it.input('way-back')))
  await it.on('source', 'mover', RAN_ROWS)
  const before = it.act((on) => on.fenceAndDrain(it.input('cross')))
  expect(await message(before, 'PLAN_DRIFTED')).toMatch(/^Nobody was shut out: stand-\d+ has not V9__rows.sql in its history/)
  expect((await it.plan()).blocks.map(({ rule }) => rule)).toEqual(['switchover:migration'])
  await it.told('lacks-files')
})

test('what is made after the plan ends it before anybody is shut out; what is made until the fence, behind it, and writers go on at once', async () => {
  const it = await movers.moving()
  expect((await it.plan()).blocks).toEqual([])
  await it.act((on) => on.prepareWayBack(it.input('way-back')))
  await it.on('source', 'mover', 'CREATE TABLE public.late (id int PRIMARY KEY)')
  const psql = await it.inside('source', 'master', 'psql')
  const before = await message(
    it.act((on) => on.fenceAndDrain(it.input('cross'))),
    'PLAN_DRIFTED',
  )
  expect(before).toMatch(
    /^Nobody was shut out: A session of master \(psql\).* public.late was made since and does not go to the standby/,
  )
  const rehearsed = it.act((on) => on.rehearseCrossing(it.input('rehearse')))
  expect(await message(rehearsed, 'PLAN_DRIFTED')).toBe(before)
  await psql.query('SELECT 1')
  await psql.close()
  await it.on('source', 'mover', 'DROP TABLE public.late')

  // the ledger has to have what is closed before it is: while that waits, the look before the fence is over
  const gate = await movers.gate('fence-%')
  const crossing = message(
    it.act((on) => on.fenceAndDrain(it.input('cross'))),
    'PLAN_DRIFTED',
  )
  await gate.waiting()
  await it.on(
    'source',
    'mover',
    `CREATE TABLE public.late (id int PRIMARY KEY); INSERT INTO scratch VALUES (1); SELECT lo_create(0)`,
  )
  await gate.open()
  const behind = await crossing
  expect(behind).toMatch(/^What was made after the look before the fence is not carried: public.late was made since/)
  for (const one of [
    'table public.late differs',
    'The source has a large object',
    'public.scratch is unlogged and holds something since',
  ])
    expect(behind).toContain(one)
  await writes(it)
  await it.takenBack()
  await follows(it)
})

test('a ledger that goes away behind the fence: writers go on at once, by the session that has shut them out', async () => {
  const it = await movers.moving()
  expect((await it.plan()).blocks).toEqual([])
  await it.act((on) => on.prepareWayBack(it.input('way-back')))
  // what is closed is let through, and what was proven behind the fence is not
  const gate = await movers.gate('switchover-crossing')
  const told = new AbortController()
  const crossing = message(
    it.act((on) => on.fenceAndDrain(it.input('cross')), { signal: told.signal }),
    'LEDGER_UNREACHABLE',
  )
  await gate.waiting()
  await expect(writes(it)).rejects.toThrow()
  // a worker that ends, too
  told.abort()
  await gate.cut()
  await crossing
  await writes(it)
  await gate.open()
  await it.takenBack()
  await follows(it)
})

test('before the point of no return each thing that writing moves upon is asked again, and what does not stand is named', async () => {
  const it = await movers.moving()
  await it.on('standby', 'postgres', `CREATE ROLE leaver LOGIN; GRANT CONNECT ON DATABASE ${it.names.standby} TO leaver`)
  await it.crossed()
  const again = () => it.act((on) => on.lookOnceMore(it.input('look-again')))
  const against = () => message(again(), 'FENCE_NOT_PROVEN')
  expect((await again()).summary).toContain('is closed, the way back carries')
  const { back } = it
  const limited = (to: number) =>
    it.on('source', 'postgres', `ALTER DATABASE ${it.names.source} CONNECTION LIMIT ${to}`, 'postgres')
  const inKeyhole = (side: 'source' | 'standby', sql: string) => it.on(side, 'master', sql, 'capstan_fence')
  for (const [told, disturb, mend] of [
    [/with a limit of 7; app|with a limit of 7; mover/, () => limited(7), () => limited(0)],
    [
      /app may connect to/,
      () => it.on('standby', 'master', `GRANT CONNECT ON DATABASE ${it.names.standby} TO app`),
      () => it.on('standby', 'master', `REVOKE CONNECT ON DATABASE ${it.names.standby} FROM app`),
    ],
    [
      /the way back \(.*\) is disabled/,
      () => it.on('source', 'postgres', `ALTER SUBSCRIPTION ${back} DISABLE`),
      () => it.on('source', 'postgres', `ALTER SUBSCRIPTION ${back} ENABLE`),
    ],
    [
      /the source's keyhole is in the hands of another \(epoch/,
      () => inKeyhole('source', `UPDATE capstan.fence SET operation = 'another'`),
      () => inKeyhole('source', `UPDATE capstan.fence SET operation = '${it.operation}'`),
    ],
    [
      /the standby is in the hands of/,
      () => it.on('standby', 'mover', 'UPDATE capstan.fence SET epoch = epoch + 1'),
      () => it.on('standby', 'mover', 'UPDATE capstan.fence SET epoch = epoch - 1'),
    ],
  ] as const) {
    await disturb()
    expect(await against()).toMatch(told)
    await mend()
    await until('it to stand again', () =>
      again().then(
        () => true,
        () => false,
      ),
    )
  }
  expect(await moved(it)).toBeNull()

  // a reset, or somebody who lowered the fence by hand
  const record = () => it.act((on) => on.recordMoved(it.input('move')))
  const open = () => it.act((on) => on.openToApplications(it.input('open')))
  await limited(-1)
  for (const one of [record, open]) expect(await message(one(), 'FENCE_NOT_PROVEN')).toContain('is not closed by')
  expect(await moved(it)).toBeNull()
  await limited(0)
  await record()
  await limited(-1)
  expect(await message(open(), 'FENCE_NOT_PROVEN')).toContain('open with a limit of -1')
  await limited(0)
  await it.on('standby', 'postgres', 'DROP OWNED BY leaver; DROP ROLE leaver')
  // a source that stands still keeps nobody waiting
  movers.servers.source.freeze()
  const opened = await open().finally(() => movers.servers.source.thaw())
  expect(opened.summary).toMatch(
    /^PUBLIC may connect to stand-\d+ again; not there any more, and so not let in: leaver; shop-\d+ did not answer, and was closed when writing moved$/,
  )
  await it.on('standby', 'app', `INSERT INTO orders (what) VALUES ('moved')`)
  // whoever comes again after another operation has come opens nothing
  for (const side of ['source', 'standby'] as const)
    await inKeyhole(side, `UPDATE capstan.fence SET epoch = epoch + 1, operation = 'later'`)
  await failureOf(record(), 'FENCED_OFF')
  await failureOf(open(), 'FENCED_OFF')
})

test('a source that is frozen when writing moves is marked before it is opened, is opened only where nobody else has, and keeps no slot', async () => {
  const it = await movers.moving()
  const { operation } = it
  const inKeyhole = (sql: string) => it.on('source', 'master', sql, 'capstan_fence')
  const limited = (to: number) =>
    it.on('source', 'postgres', `ALTER DATABASE ${it.names.source} CONNECTION LIMIT ${to}`, 'postgres')
  const follow = () => it.act((on) => on.letOldFollow(it.input('follow')))
  const mark = async () => (await inKeyhole('SELECT operation, writer FROM capstan.moved_away'))[0]
  await it.crossed()
  movers.servers.source.freeze()
  const recorded = await it.act((on) => on.recordMoved(it.input('move'))).finally(() => movers.servers.source.thaw())
  expect(recorded.summary).toContain('does not answer, and bears no mark')
  await it.act((on) => on.openToApplications(it.input('open')))
  // what was begun on it may have written the mark once it went on
  const others = `SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND (datname = 'capstan_fence' OR datname IS NULL)`
  await until('what was begun on it to be over', async () => (await inKeyhole(others)).length === 0)
  await inKeyhole('DELETE FROM capstan.moved_away')

  await limited(-1)
  expect(await message(follow(), 'FENCE_NOT_PROVEN')).toMatch(
    /^Somebody opened shop-\d+ since writing moved .*limit of -1.* alone/,
  )
  expect(await mark()).toBeUndefined()
  await limited(0)
  expect((await follow()).summary).toContain('a row was there')
  expect(await mark()).toEqual({ operation, writer: expect.stringMatching(/^stand-/) })
  await follow()
  await expect(writes(it)).rejects.toThrow()
  expect(
    await it.on('source', 'master', 'SELECT slot_name FROM pg_replication_slots WHERE database = current_database()'),
  ).toEqual([])
})

test('an abort lets in again whom it kept out of the standby, and nobody who was kept out before', async () => {
  const it = await movers.moving()
  const database = it.names.standby
  const options = { ...(await it.inside('standby', 'master')).endpoint, password: 'secret', applicationName: 'set-up' }
  const keyhole = await openKeyhole({ connectTo: (name) => connect({ ...options, database: name }), from: [database] })
  const epoch = (await standingEpoch(keyhole)) + 1
  const { token } = await raiseFence(keyhole, { epoch, attempt: 1, operation: 'set-up' })
  await keepOut(keyhole, { database, token, operation: 'set-up', keep: ['master', 'mover'] })
  await keyhole.close()
  await it.on('standby', 'master', `GRANT CONNECT ON DATABASE ${database} TO reader`)
  await it.on('standby', 'reader', 'SELECT 1')
  await it.crossed()
  await expect(it.on('standby', 'reader', 'SELECT 1')).rejects.toThrow()
  await it.takenBack()
  await it.on('standby', 'reader', 'SELECT 1')
  await expect(it.on('standby', 'app', 'SELECT 1')).rejects.toThrow()
  await writes(it)
})

test('once the old writer follows, its owner, master and migrator are turned away too, and what comes by replication is not', async () => {
  const it = await movers.moving()
  await it.crossed()
  await it.act((on) => on.recordMoved(it.input('move')))
  await it.act((on) => on.openToApplications(it.input('open')))
  expect((await it.act((on) => on.letOldFollow(it.input('follow')))).summary).toContain('whoever writes there is turned away')
  for (const as of ['mover', 'master', 'postgres'] as const)
    for (const sql of [
      `INSERT INTO public.orders (what) VALUES ('lost')`,
      `UPDATE public.orders SET what = 'lost'`,
      'DELETE FROM public.orders',
      'TRUNCATE public.orders',
      'INSERT INTO public.scratch VALUES (1)',
      `BEGIN READ WRITE; INSERT INTO public.orders (what) VALUES ('lost'); COMMIT`,
    ])
      await expect(it.on('source', as, as === 'master' ? `SET ROLE mover; ${sql}` : sql)).rejects.toMatchObject({
        sqlState: '25006',
      })
  const session = await it.inside('source', 'mover')
  await session.execute(
    `DO $$ BEGIN DELETE FROM public.orders; EXCEPTION WHEN OTHERS THEN PERFORM set_config('it.said', SQLERRM, false); END $$`,
  )
  const [told] = await session.query<{ said: string }>(`SELECT current_setting('it.said') AS said`)
  await session.close()
  expect(told?.said).toMatch(/^test_\d+ follows stand-\d+: what is written to public.orders here would be on this side alone$/)
  await it.on('standby', 'app', `INSERT INTO public.orders (what) VALUES ('moved')`)
  await until('the row to be there', async () => {
    const [row] = await it.on('source', 'mover', `SELECT count(*)::int AS n FROM public.orders WHERE what = 'moved'`)
    return row?.n === 1
  })
  await it.on('standby', 'app', `UPDATE public.orders SET what = 'again' WHERE what = 'moved'`)
})

test('a source that is opened again after it was guarded is written to as before', async () => {
  const it = await movers.moving()
  await it.crossed()
  const [guards] = await it.on('standby', 'mover', `SELECT count(*)::int AS n FROM pg_trigger WHERE tgname = 'capstan_follows'`)
  await it.takenBack()
  await writes(it)
  const [left] = await it.on(
    'source',
    'mover',
    `SELECT count(*)::int AS n, count(*) FILTER (WHERE tgenabled <> 'D')::int AS means FROM pg_trigger WHERE tgname = 'capstan_follows'`,
  )
  expect([guards, left]).toEqual([{ n: 0 }, { n: 2, means: 0 }])
  await follows(it)
})

test('what is taken back waits for one row of the source however often it is tried, and the standby need not wait for its disk meanwhile', async () => {
  const it = await movers.moving()
  await it.crossed()
  const lock = await it.inside('standby', 'mover')
  await lock.execute('BEGIN; LOCK TABLE capstan.standby_marker IN ACCESS EXCLUSIVE MODE')
  const over = new AbortController()
  const first = it.act((on) => on.takeBackFence(it.input('cross')), { signal: over.signal })
  first.catch(() => undefined)
  const document = () => it.ledger.getDocument({ operation: it.operation, name: 'switchover-followed-again' })
  await until('the row to be waited for', async () => (await document()) !== null)
  await writes(it)
  const [synced] = await it.on(
    'standby',
    'master',
    'SELECT subsynccommit FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE d.datname = current_database()',
  )
  expect(synced).toEqual({ subsynccommit: 'off' })
  over.abort()
  await expect(first).rejects.toThrow()
  await lock.close()
  await it.takenBack()
  const [row] = await it.on('source', 'mover', 'SELECT value FROM capstan.standby_marker')
  expect(await document()).toMatchObject({ marker: row })
  await follows(it)
})
