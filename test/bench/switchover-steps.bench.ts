/** How long nobody can write while writing moves from one server to another, step by step: fence, barrier, sequences, the way back, opening. Both servers are
 *  PostgreSQL 17 on this machine, with four writers who come again at once when they are turned away; the outage of a round is from the first database that closes until the standby is open. Prints
 *  the medians of CAPSTAN_BENCH_ROUNDS (10) and promises nothing. docs/decisions/0028-guests-of-a-fence.md. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FenceScope } from '../../contracts/fence'
import { connect, type Session } from '../../postgres/connect/session'
import { type Guest, ownGuest, walsenderGuest } from '../../postgres/fence/guests'
import { type ConnectTo, openKeyhole } from '../../postgres/fence/keyhole'
import { openDatabases } from '../../postgres/fence/lower'
import { proveClosed } from '../../postgres/fence/prove'
import { closeDatabases } from '../../postgres/fence/raise'
import { openToWorkers } from '../../postgres/fence/workers-only'
import { type FenceToken, raiseFence } from '../../postgres/migrate/fence'
import { awaitBarrier, takeBarrier } from '../../postgres/replicate/barrier'
import { startWriter } from '../postgres/fence/support'
import { beside, conninfo, numbersIn, type Pair, type Servers, startServers } from '../postgres/replicate/following'
import type { TestDatabase } from '../postgres/support/server'

const ROUNDS = Number(process.env.CAPSTAN_BENCH_ROUNDS ?? 10)
const SEQUENCES = 50

let servers: Servers
beforeAll(async () => {
  servers = await startServers(17, 17)
}, 300_000)
afterAll(() => servers?.stop())

const STEPS = [
  'fence: close and empty',
  'fence: proof',
  'barrier',
  'sequences',
  'way back: let in',
  'way back: worker there',
  'open the standby',
] as const
type Took = Record<(typeof STEPS)[number], number>

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

async function sequencesOver({ here, there }: Pair): Promise<void> {
  const rows = await here.query<{ name: string; last: number | null }>(
    `SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename) AS name, last_value AS last FROM pg_sequences WHERE schemaname = 'public'`,
  )
  await there.query(
    'SELECT setval(name::regclass, last) FROM unnest($1::text[], $2::bigint[]) AS s (name, last) WHERE last IS NOT NULL',
    [rows.map(({ name }) => name), rows.map(({ last }) => last)],
  )
}

const backOf = ({ slot }: Pair): string => `back_${slot}`

/** The way back as it stands before the outage: everything made, and disabled. */
async function makeWayBack(pair: Pair): Promise<void> {
  const back = backOf(pair)
  await pair.there.execute(`CREATE PUBLICATION ${back} FOR TABLE written, capstan.standby_marker`)
  await pair.superuserThere.query(`SELECT pg_create_logical_replication_slot('${back}', 'pgoutput')`)
  await pair.here.execute(
    `CREATE SUBSCRIPTION ${back} CONNECTION '${conninfo(pair.target)}' PUBLICATION ${back} WITH (enabled = false, create_slot = false, slot_name = ${back}, copy_data = false, origin = none)`,
  )
}

async function until(come: () => Promise<boolean>): Promise<void> {
  while (!(await come())) await sleep(5)
}

/** Of the subscription: PostgreSQL's default, where what was applied is on disk once the log's writer comes round, and at once. */
test.each([
  ['off', 0],
  ['on', ROUNDS],
] as const)(
  'an outage, step by step, with synchronous_commit = %s',
  async (synced, first) => {
    const pair = await servers.pair()
    await pair.there.execute(`ALTER SUBSCRIPTION ${pair.subscription} SET (synchronous_commit = ${synced})`)
    const app = { ...pair.source.options, user: 'app' }
    for (const session of [pair.here, pair.there])
      for (let n = 0; n < SEQUENCES; n += 1) await session.execute(`CREATE SEQUENCE counts_${n}`)
    await pair.here.execute(`SELECT ${Array.from({ length: SEQUENCES }, (_, n) => `nextval('counts_${n}')`).join(', ')}`)
    await makeWayBack(pair)
    const source = await beside(pair)
    const writers = [0, 1, 2, 3].map((n) => startWriter(app, 1 + n * 10_000_000, { unsynced: n % 2 === 1 }))
    const rounds: Took[] = []
    let acknowledged = 0
    for (let round = first; round < first + ROUNDS; round += 1) {
      await Promise.all(writers.map((writer) => writer.progress(300)))
      rounds.push(await oneRound(pair, source, round))
      acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged.length, 0)
    }
    await Promise.all(writers.map((writer) => writer.stop()))
    await source.close()
    const lines = STEPS.map(
      (step) =>
        `${step.padEnd(28)}${median(rounds.map((took) => took[step]))
          .toFixed(0)
          .padStart(6)} ms`,
    )
    const outage = median(rounds.map((took) => STEPS.reduce((sum, step) => sum + took[step], 0)))
    process.stdout.write(
      `\nWriting moves on loopback, 4 writers, ${acknowledged} rows, ${SEQUENCES} sequences, median of ${ROUNDS}, synchronous_commit of the subscription = ${synced}\n${lines.join('\n')}\n${'outage'.padEnd(28)}${outage.toFixed(0).padStart(6)} ms\n`,
    )
  },
  3_000_000,
)

/** What a switchover has open before the outage, on one side: the database that stays open, with its attempt. */
interface Side {
  readonly keyhole: Session
  readonly database: string
  readonly acting: {
    readonly connectTo: ConnectTo
    readonly scope: FenceScope
    readonly operation: string
    readonly token: FenceToken
  }
}

async function openSide({ options }: TestDatabase, round: number): Promise<Side> {
  const connectTo: ConnectTo = (database) => connect({ ...options, database })
  const operation = `switch-${round}`
  const keyhole = await openKeyhole({ connectTo, from: ['postgres'] })
  const { token } = await raiseFence(keyhole, { epoch: round + 1, attempt: 1, operation })
  return {
    keyhole,
    database: options.database,
    acting: { connectTo, scope: { databases: [options.database] }, operation, token },
  }
}

const close = ({ keyhole, acting }: Side, guests: readonly Guest[]) =>
  closeDatabases(keyhole, { ...acting, guests, waitMs: 60_000, beforeChange: async () => undefined })

const letWorkersIn = ({ keyhole, database, acting: { token, operation } }: Side) =>
  openToWorkers(keyhole, { raisedBy: operation, database, token })

const open = ({ keyhole, acting: { token, operation } }: Side) => openDatabases(keyhole, { raisedBy: operation, token })

const read = async (publisher: Session, slot: string): Promise<boolean> =>
  (await publisher.query('SELECT FROM pg_replication_slots WHERE active AND slot_name = $1', [slot])).length > 0

async function oneRound(pair: Pair, source: Session, round: number): Promise<Took> {
  const [old, fresh] = [await openSide(pair.source, round), await openSide(pair.target, round)]
  const { operation } = old.acting
  // what stands before the outage: the standby for workers only, with our session inside
  await close(fresh, [await ownGuest(pair.there)])
  await letWorkersIn(fresh)
  await until(() => read(source, pair.slot))
  const guests = [await ownGuest(pair.here), await walsenderGuest(source, pair.slot)]
  const { token } = await raiseFence(pair.here, { epoch: round + 1, attempt: 1, operation })
  const took: Partial<Took> = {}
  const timed = async (step: keyof Took, work: () => Promise<unknown>): Promise<void> => {
    const began = performance.now()
    await work()
    took[step] = performance.now() - began
  }
  const connectAsWriter = () => connect({ ...pair.source.options, user: 'app' })
  await timed('fence: close and empty', () => close(old, guests))
  await timed('fence: proof', () => proveClosed(old.keyhole, { ...old.acting, guests, connectAsWriter }))
  await timed('barrier', async () => {
    const barrier = await takeBarrier(pair.here, { operation, token })
    await awaitBarrier({
      source,
      standby: pair.there,
      slot: pair.slot,
      subscription: pair.subscription,
      barrier,
      deadlineMs: 60_000,
    })
  })
  await timed('sequences', () => sequencesOver(pair))
  await timed('way back: let in', () => letWorkersIn(old))
  await timed('way back: worker there', async () => {
    await pair.there.execute(`ALTER SUBSCRIPTION ${pair.subscription} DISABLE`)
    await pair.here.execute(`ALTER SUBSCRIPTION ${backOf(pair)} ENABLE`)
    await until(() => read(pair.there, backOf(pair)))
  })
  await timed('open the standby', () => open(fresh))
  // to where it began, outside of what is measured
  await pair.here.execute(`ALTER SUBSCRIPTION ${backOf(pair)} DISABLE`)
  await pair.there.execute(`ALTER SUBSCRIPTION ${pair.subscription} ENABLE`)
  const arrived = await numbersIn(pair.there)
  const missing = [...(await numbersIn(pair.here))].filter((n) => !arrived.has(n))
  if (missing.length > 0) throw new Error(`round ${round}: ${missing.length} rows are missing`)
  await open(old)
  await Promise.all([old, fresh].map(({ keyhole }) => keyhole.close()))
  return took as Took
}
