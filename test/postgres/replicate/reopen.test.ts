/** A crossing that failed once its way back carried: whoever writes the moment the source lets him in again is turned away by nothing, wherever whoever opens it dies. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { ConnectOptions } from '../../../postgres/connect/connect-options'
import { connect, type Session } from '../../../postgres/connect/session'
import { ownGuest, walsenderGuest } from '../../../postgres/fence/guests'
import { openKeyhole } from '../../../postgres/fence/keyhole'
import { raiseFence } from '../../../postgres/migrate/fence'
import { awaitBarrier, takeBarrier } from '../../../postgres/replicate/barrier'
import { prepareGuard, raiseGuard } from '../../../postgres/replicate/guard'
import { reopenSource } from '../../../postgres/replicate/reopen'
import { openWayBack, stopWayBack } from '../../../postgres/replicate/way-back'
import { until } from '../../support/eventually'
import { fenceUnderTest } from '../fence/support'
import { beside, conninfo, type Pair, type Servers, startServers } from './following'
import { Killed, lifeOf, mortal, orKilled } from './support'

let servers: Servers
beforeAll(async () => {
  servers = await startServers(17, 17)
})
afterAll(() => servers?.stop())

const RAISED_BY = 'switch-back'
const KEEP = ['master', 'follower']
const WITHIN = { deadlineMs: 60_000 } as const

interface Abandoned {
  readonly pair: Pair
  /** A keyhole of the next attempt, and what it acts under. */
  again(): Promise<{ keyhole: Session; token: { epoch: number; attempt: number } }>
  stop(): Promise<void>
}

/** The guard stands, the way back carries, and nobody is inside any more. */
async function abandoned(epoch: number): Promise<Abandoned> {
  const pair = await servers.pair()
  const { here, there, source, slot, subscription, publication } = pair
  const own = `cap_back_${slot}`
  const back = { publication: own, slot: own, subscription: own }
  await there.execute(`CREATE PUBLICATION ${own} FOR TABLE written, capstan.standby_marker`)
  await pair.superuserThere.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [own])
  await here.execute(
    `CREATE SUBSCRIPTION ${own} CONNECTION '${conninfo(pair.target)}' PUBLICATION ${own} WITH (enabled = false, create_slot = false, slot_name = ${own}, copy_data = false, origin = none)`,
  )
  await prepareGuard(here, {})
  const operation = RAISED_BY
  const sourceToken = (await raiseFence(here, { epoch, attempt: 1, operation })).token
  const standbyToken = (await raiseFence(there, { epoch, attempt: 1, operation })).token
  const fence = fenceUnderTest(source.options, operation, epoch)
  const outside = await beside(pair)
  await fence.raise({ databases: [source.options.database] }, 1, {
    guests: [await ownGuest(here), await walsenderGuest(outside, slot)],
  })
  await raiseGuard(here, { token: sourceToken })
  const barrier = await takeBarrier(here, { operation, token: sourceToken })
  await awaitBarrier({ source: outside, standby: there, slot, subscription, barrier, ...WITHIN })
  let attempt = 1
  const again = async () => {
    const keyhole = await openKeyhole({ connectTo: fence.connectTo, from: ['postgres'] })
    return { keyhole, token: (await raiseFence(keyhole, { epoch, attempt: ++attempt, operation })).token }
  }
  const { keyhole, token } = await again()
  await openWayBack({
    ...{ source: here, standby: there, forward: { publication, slot, subscription }, back, keyhole, operation, token },
    ...{ raisedBy: operation, database: source.options.database, sourceToken, standbyToken, ...WITHIN },
  })
  await Promise.all([here, keyhole, outside].map((session) => session.close()))
  const stop = async () => {
    const session = await source.connect()
    await stopWayBack(session, { subscription: own, token: sourceToken }).finally(() => session.close())
  }
  return { pair, again, stop }
}

/** Each comes as soon as it is let in, writes one row and comes again. */
function impatient({ host, port, database }: ConnectOptions, count: number) {
  const answers: string[] = []
  let stopped = false
  const write = async (): Promise<void> => {
    const client = new Client({ host, port, database, user: 'app', password: 'secret' })
    client.on('error', () => undefined)
    try {
      await client.connect()
    } catch {
      return
    }
    const sql = 'INSERT INTO written SELECT coalesce(max(n), 0) + 1 FROM written ON CONFLICT DO NOTHING'
    await client.query(sql).then(
      () => answers.push('written'),
      (error: { code?: string }) => answers.push(error.code ?? String(error)),
    )
    await client.end().catch(() => undefined)
  }
  const coming = Array.from({ length: count }, async () => {
    while (!stopped) {
      await write()
      await sleep(2)
    }
  })
  return {
    answers,
    async stop() {
      stopped = true
      await Promise.all(coming)
      return [...new Set(answers)]
    },
  }
}

const grants = ({ superuserHere, source }: Pair) =>
  superuserHere.query(
    `SELECT e.grantee::regrole::text AS who, e.privilege_type AS what FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) e
      WHERE d.datname = $1 ORDER BY 1, 2`,
    [source.options.database],
  )

test('while the way back is not stopped nobody but its own roles comes into the source, however long that takes', async () => {
  const { pair, again, stop } = await abandoned(1)
  const before = await grants(pair)
  const writers = impatient(pair.source.options, 4)
  const { keyhole, token } = await again()
  const { database } = pair.source.options
  const opening = { raisedBy: RAISED_BY, database, keep: KEEP, token }
  const dies = async () => {
    // open by now, and enabled still
    await (await pair.source.connect()).close()
    await sleep(300)
    throw new Killed('killed')
  }
  await expect(reopenSource(keyhole, { ...opening, stopWayBack: dies })).rejects.toThrow('killed')
  expect(writers.answers).toEqual([])
  const late = async () => {
    await sleep(300)
    await stop()
  }
  expect(await reopenSource(keyhole, { ...opening, stopWayBack: late })).toEqual({ opened: [], back: ['PUBLIC'] })
  await until('them to write', async () => writers.answers.length > 20)
  expect(await writers.stop()).toEqual(['written'])
  expect(await grants(pair)).toEqual(before)
  await keyhole.close()
})

test('killed at each of its statements and begun again, it lets nobody in who is turned away', async () => {
  const { pair, again, stop } = await abandoned(2)
  const before = await grants(pair)
  const writers = impatient(pair.source.options, 4)
  const { database } = pair.source.options
  let deaths = 0
  for (let statements = 0, ended = 'killed'; ended === 'killed'; statements += 1, deaths += 1) {
    const { keyhole, token } = await again()
    const life = lifeOf(statements)
    const dying = mortal(keyhole, life)
    ended = await orKilled(life, () =>
      reopenSource(dying, { raisedBy: RAISED_BY, database, keep: KEEP, token, stopWayBack: stop }),
    )
  }
  expect(deaths).toBeGreaterThan(5)
  await until('them to write', async () => writers.answers.length > 20)
  expect(await writers.stop()).toEqual(['written'])
  expect(await grants(pair)).toEqual(before)
})

test('a source into which no worker was let is opened to all at once: nothing in it turns anybody away', async () => {
  const pair = await servers.pair()
  const { source } = pair
  const { database } = source.options
  const fence = fenceUnderTest(source.options, RAISED_BY, 3)
  await fence.raise({ databases: [database] }, 1)
  const keyhole = await openKeyhole({ connectTo: fence.connectTo, from: ['postgres'] })
  const { token } = await raiseFence(keyhole, { epoch: 3, attempt: 2, operation: RAISED_BY })
  const asked = async () => {
    const app = await connect({ ...source.options, user: 'app' })
    await app.execute('INSERT INTO written VALUES (1)')
    await app.close()
  }
  const opened = await reopenSource(keyhole, { raisedBy: RAISED_BY, database, keep: KEEP, token, stopWayBack: asked })
  expect(opened).toEqual({ opened: [database], back: [] })
  await keyhole.close()
})
