/** Writing moves from one PostgreSQL 17 to another and back again, with the way back standing before the first write. */
import { connect, type Session } from '../../../postgres/connect/session'
import { ownGuest, walsenderGuest } from '../../../postgres/fence/guests'
import { openKeyhole } from '../../../postgres/fence/keyhole'
import { raiseFence } from '../../../postgres/migrate/fence'
import { awaitBarrier, takeBarrier } from '../../../postgres/replicate/barrier'
import {
  closeWayBack,
  followAll,
  noWayBackTo,
  openWayBack,
  type WayBackSides,
  wayBackObstacles,
} from '../../../postgres/replicate/way-back'
import { until } from '../../support/eventually'
import { fenceUnderTest, startWriter } from '../fence/support'
import { failureOf } from '../support/apply'
import { startTestServer } from '../support/server'
import { beside, conninfo, numbersIn, type Pair, type Servers, startServers } from './following'

let servers: Servers
beforeAll(async () => {
  servers = await startServers(17, 17)
})
afterAll(() => servers?.stop())

const BACK = { publication: 'back', slot: 'back_slot', subscription: 'back_sub' }

async function withWayBack(): Promise<{ pair: Pair; sides: WayBackSides; outside: Session }> {
  const pair = await servers.pair()
  const { here, there, publication, slot, subscription } = pair
  const names = {
    publication: `${BACK.publication}_${slot}`,
    slot: `${BACK.slot}_${slot}`,
    subscription: `${BACK.subscription}_${slot}`,
  }
  const sides = { source: here, standby: there, forward: { publication, slot, subscription }, back: names }
  expect(await wayBackObstacles(sides)).toEqual([
    `There is no subscription ${names.subscription} on the source: make it, disabled.`,
  ])
  await there.execute(`CREATE PUBLICATION ${names.publication} FOR TABLE written, capstan.standby_marker`)
  await pair.superuserThere.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [names.slot])
  await here.execute(
    `CREATE SUBSCRIPTION ${names.subscription} CONNECTION '${conninfo(pair.target)}' PUBLICATION ${names.publication}
       WITH (enabled = false, create_slot = false, slot_name = ${names.slot}, copy_data = false, origin = none)`,
  )
  expect(await wayBackObstacles(sides)).toEqual([])
  return { pair, sides, outside: await beside(pair) }
}

let elsewhere = 0

/** As what a subscription of the source would write. */
async function fromElsewhere({ superuserHere }: Pair, n: number): Promise<void> {
  await superuserHere.execute(`SELECT pg_replication_origin_create('elsewhere_${n}')`)
  await superuserHere.execute(`SELECT pg_replication_origin_session_setup('elsewhere_${n}')`)
  await superuserHere.query('INSERT INTO written VALUES ($1)', [n])
  await superuserHere.execute('SELECT pg_replication_origin_session_reset()')
}

test('what is written on the standby is on the source, which nobody else comes into, and nothing goes round', async () => {
  const { pair, sides, outside } = await withWayBack()
  const { here, there, source: old, slot, subscription } = pair
  const operation = 'switch-one'
  const fence = fenceUnderTest(old.options, operation, 1)
  const scope = { databases: [old.options.database] }
  const app = { ...old.options, user: 'app' }
  const writer = startWriter(app, 1)
  await writer.progress(20)
  const sourceToken = (await raiseFence(here, { epoch: 1, attempt: 1, operation })).token
  const standbyToken = (await raiseFence(there, { epoch: 1, attempt: 1, operation })).token
  const guests = [await ownGuest(here), await walsenderGuest(outside, pair.slot)]
  await fence.raise(scope, 2, { guests })
  await fence.prove(scope, 3, { user: 'app' }, guests)
  await writer.stop()
  const awaited = { source: outside, standby: there, slot: pair.slot, subscription: pair.subscription, deadlineMs: 60_000 }
  await awaitBarrier({ ...awaited, barrier: await takeBarrier(here, { operation, token: sourceToken }) })

  const keyhole = await openKeyhole({ connectTo: fence.connectTo, from: ['postgres'] })
  const { token } = await raiseFence(keyhole, { epoch: 1, attempt: 4, operation })
  const opening = {
    ...sides,
    keyhole,
    operation,
    raisedBy: operation,
    database: old.options.database,
    token,
    sourceToken,
    standbyToken,
  }
  const opened = await openWayBack({ ...opening, deadlineMs: 60_000 })
  expect(opened.comePast).toEqual(['follower'])
  await openWayBack({ ...opening, deadlineMs: 60_000 })
  await expect(connect(app)).rejects.toMatchObject({ facts: { sqlState: '53300' } })

  const elsewhere = await connect({ ...pair.target.options, user: 'app' })
  await elsewhere.execute('INSERT INTO written SELECT generate_series(-300, -1)')
  await elsewhere.close()
  await until('them to be back', async () => (await numbersIn(here)).has(-300))
  expect([...(await numbersIn(here))].sort()).toEqual([...(await numbersIn(there))].sort())
  const errors = `SELECT coalesce(sum(apply_error_count), 0)::int AS n FROM pg_stat_subscription_stats WHERE subname LIKE '%${slot}' OR subname = '${subscription}'`
  expect([await here.query(errors), await there.query(errors)]).toEqual([[{ n: 0 }], [{ n: 0 }]])

  // taken back while our session is inside, it is as before, and what came back does not go there once more
  await closeWayBack({ ...sides, sourceToken, standbyToken, deadlineMs: 60_000 })
  expect(await wayBackObstacles(sides)).toEqual([])
  await keyhole.close()
  expect(await fence.lower(5)).toEqual([old.options.database])
  await here.execute('INSERT INTO written VALUES (-1000)')
  await until('it to follow again', async () => (await numbersIn(there)).has(-1000))
  await fromElsewhere(pair, -1001)
  await until('what the source gets from elsewhere to be there too', async () => (await numbersIn(there)).has(-1001))
  expect([await here.query(errors), await there.query(errors)]).toEqual([[{ n: 0 }], [{ n: 0 }]])
  await outside.close()
})

async function readerOf(session: Session, slot: string): Promise<number> {
  const [row] = await session.query<{ pid: number }>(
    'SELECT coalesce(active_pid, 0) AS pid FROM pg_replication_slots WHERE slot_name = $1',
    [slot],
  )
  return row?.pid ?? 0
}

const originOf = ({ there, subscription }: Pair) =>
  there.query('SELECT subenabled AS enabled, suborigin AS origin FROM pg_subscription WHERE subname = $1', [subscription])

test('a way back that does not come about is told before anybody writes, and so is who else would write there', async () => {
  const { pair, sides, outside } = await withWayBack()
  const { here, there, source: old } = pair
  const operation = 'switch-two'
  const fence = fenceUnderTest(old.options, operation, 2)
  const scope = { databases: [old.options.database] }
  const sourceToken = (await raiseFence(here, { epoch: 2, attempt: 1, operation })).token
  const standbyToken = (await raiseFence(there, { epoch: 2, attempt: 1, operation })).token
  await fence.raise(scope, 2, { guests: [await ownGuest(here)] })
  const keyhole = await openKeyhole({ connectTo: fence.connectTo, from: ['postgres'] })
  const { token } = await raiseFence(keyhole, { epoch: 2, attempt: 3, operation })
  const opening = {
    ...sides,
    keyhole,
    operation,
    raisedBy: operation,
    database: old.options.database,
    token,
    sourceToken,
    standbyToken,
  }
  await here.execute(
    `CREATE SUBSCRIPTION from_elsewhere CONNECTION 'dbname=nowhere password=none' PUBLICATION p WITH (connect = false)`,
  )
  await here.execute(`ALTER SUBSCRIPTION from_elsewhere ENABLE`)
  expect(await wayBackObstacles(sides)).toEqual([
    `Subscription from_elsewhere of the source writes there too, and would go on behind the standby's back: disable it.`,
  ])
  // enabled after that was asked
  const stranger = await failureOf(openWayBack({ ...opening, deadlineMs: 60_000 }), 'FENCE_REFUSED')
  expect(stranger.message).toContain('Subscription from_elsewhere of the source writes there too')
  expect(await originOf(pair)).toEqual([{ enabled: true, origin: 'any' }])
  await here.execute(`ALTER SUBSCRIPTION from_elsewhere DISABLE`)
  await pair.superuserThere.execute('ALTER ROLE follower NOLOGIN')
  try {
    const silent = await failureOf(openWayBack({ ...opening, deadlineMs: 1_000 }), 'BARRIER_NOT_PASSED')
    expect(silent.message).toContain(`Slot ${sides.back.slot} on 127.0.0.1 is read by nobody`)
  } finally {
    await pair.superuserThere.execute('ALTER ROLE follower LOGIN')
  }
  await openWayBack({ ...opening, deadlineMs: 60_000 })

  // one that is not let go of keeps nobody from following
  const pid = await readerOf(pair.superuserThere, sides.back.slot)
  process.kill(pid, 'SIGSTOP')
  try {
    await failureOf(closeWayBack({ ...sides, sourceToken, standbyToken, deadlineMs: 1_000 }), 'NOT_READY_YET')
    await until('the way there to be read', async () => (await readerOf(outside, pair.slot)) > 0)
    expect(await originOf(pair)).toEqual([{ enabled: true, origin: 'none' }])
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  // once whoever was inside is gone, the fence goes first
  await here.close()
  await keyhole.close()
  await fence.lower(4)
  await closeWayBack({ ...sides, source: await old.connect(), sourceToken, standbyToken, deadlineMs: 60_000 })
  expect(await originOf(pair)).toEqual([{ enabled: true, origin: 'any' }])
  await outside.close()
})

test('who comes past the limit and may write is told, and so is a way back that has much to read', async () => {
  const { pair, sides, outside } = await withWayBack()
  const { superuserHere, there } = pair
  await superuserHere.execute(
    `CREATE ROLE rds_replication NOLOGIN; GRANT rds_replication TO app; CREATE ROLE sender LOGIN REPLICATION; GRANT app TO sender; CREATE ROLE reader LOGIN REPLICATION`,
  )
  const past = (role: string) =>
    `Role ${role} may have sessions of replication, which no limit keeps out, and may write published tables: take the one from it or the other.`
  expect(await wayBackObstacles(sides)).toEqual([past('app'), past('sender')])
  await superuserHere.execute('REVOKE app FROM sender; REVOKE rds_replication FROM app')
  await there.execute('CREATE TABLE of_its_own AS SELECT generate_series(1, 10000) AS n')
  await until('it to be on disk', async () =>
    (await wayBackObstacles(sides, { behindBytesMax: 100_000 })).some((one) =>
      /^Slot back_slot_\w+ has \d{6,} bytes of log to read, which would be within the outage, and 100000 are allowed/.test(one),
    ),
  )
  expect(await wayBackObstacles(sides)).toEqual([])
  await outside.close()
})

test('what a way there leaves out by origin = none comes again once it has followed up to here', async () => {
  const pair = await servers.pair()
  const { here, there, publication, slot, subscription } = pair
  await there.execute(`ALTER SUBSCRIPTION ${subscription} SET (origin = none)`)
  // a worker that was started before sends on
  await until('its new walsender', async () => {
    await fromElsewhere(pair, -2000 - elsewhere)
    await here.execute(`INSERT INTO written VALUES (${2000 + elsewhere})`)
    await until('the next row', async () => (await numbersIn(there)).has(2000 + elsewhere))
    return !(await numbersIn(there)).has(-2000 - elsewhere++)
  })
  const operation = 'switch-three'
  const sourceToken = (await raiseFence(here, { epoch: 1, attempt: 1, operation })).token
  const standbyToken = (await raiseFence(there, { epoch: 1, attempt: 1, operation })).token
  const all = { source: here, standby: there, forward: { publication, slot, subscription }, sourceToken, standbyToken }
  for (const _ of ['once', 'again']) await followAll({ ...all, deadlineMs: 60_000 })
  expect(await originOf(pair)).toEqual([{ enabled: true, origin: 'any' }])
  await fromElsewhere(pair, -3000)
  await until('what is from elsewhere', async () => (await numbersIn(there)).has(-3000))
  expect((await numbersIn(there)).has(-1999 - elsewhere)).toBe(false)
})

test('there is none to one whose limit keeps workers out', () => {
  const told = (serverVersionNum: number) =>
    noWayBackTo({ serverVersionNum, endpoint: { host: 'db', port: 5432, database: 'shop', user: 'master' } })
  expect(told(160_004)).toBe(
    'The source on db is PostgreSQL 16.4: before 16.7 CONNECTION LIMIT keeps out the worker of the way back too, once a session is inside. Update it to 16.7 or later.',
  )
  expect([170_000, 170_002].map(told)).toEqual([expect.stringContaining('before 17.3'), expect.stringContaining('before 17.3')])
  expect([160_007, 170_003, 180_000].map(told)).toEqual([null, null, null])
})

test('to a source of PostgreSQL 15 there is none, and it is told beforehand', async () => {
  const server = await startTestServer(15)
  try {
    const session = await (await server.database()).connect()
    expect(noWayBackTo(session)).toMatch(
      /^The source on 127\.0\.0\.1 is PostgreSQL 15: before 16 only a superuser may subscribe there/,
    )
    const pair = await servers.pair()
    const names = { publication: 'p', slot: 's', subscription: 'x' }
    expect(await wayBackObstacles({ source: session, standby: pair.there, forward: names, back: names })).toEqual([
      noWayBackTo(session),
    ])
  } finally {
    await server.stop()
  }
})
