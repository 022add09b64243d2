/** How long nobody can write while writing moves from one server to another, step by step: fence, barrier, sequences, the way back, opening. Both servers are
 *  PostgreSQL 17 on this machine, with four writers; the outage of a round is from the first database that closes until the standby is open. Prints
 *  the medians of CAPSTAN_BENCH_ROUNDS (10) and promises nothing. docs/decisions/0028-guests-of-a-fence.md. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../../postgres/connect/session'
import { ownGuest, walsenderGuest } from '../../postgres/fence/guests'
import { openKeyhole } from '../../postgres/fence/keyhole'
import { openToWorkers } from '../../postgres/fence/workers-only'
import { raiseFence } from '../../postgres/migrate/fence'
import { awaitBarrier, takeBarrier } from '../../postgres/replicate/barrier'
import { fenceUnderTest, startWriter } from '../postgres/fence/support'
import { beside, conninfo, numbersIn, type Pair, type Servers, startServers } from '../postgres/replicate/following'

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

/** The way back as it stands before the outage: everything made, and disabled. */
async function makeWayBack(pair: Pair): Promise<void> {
  await pair.there.execute('CREATE PUBLICATION back FOR TABLE written, capstan.standby_marker')
  await pair.superuserThere.query(`SELECT pg_create_logical_replication_slot('back', 'pgoutput')`)
  await pair.here.execute(
    `CREATE SUBSCRIPTION back CONNECTION '${conninfo(pair.target)}' PUBLICATION back WITH (enabled = false, create_slot = false, slot_name = back, copy_data = false, origin = none)`,
  )
}

async function until(come: () => Promise<boolean>): Promise<void> {
  while (!(await come())) await sleep(5)
}

test('an outage, step by step', async () => {
  const pair = await servers.pair()
  const app = { ...pair.source.options, user: 'app' }
  for (const session of [pair.here, pair.there])
    for (let n = 0; n < SEQUENCES; n += 1) await session.execute(`CREATE SEQUENCE counts_${n}`)
  await pair.here.execute(`SELECT ${Array.from({ length: SEQUENCES }, (_, n) => `nextval('counts_${n}')`).join(', ')}`)
  await makeWayBack(pair)
  const source = await beside(pair)
  const writers = [0, 1, 2, 3].map((n) => startWriter(app, 1 + n * 10_000_000, { unsynced: n % 2 === 1 }))
  const rounds: Took[] = []
  let acknowledged = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    await Promise.all(writers.map((writer) => writer.progress(1_000)))
    rounds.push(await oneRound(pair, source, round))
    const arrived = await numbersIn(pair.there)
    for (const writer of writers)
      for (const n of writer.acknowledged) if (!arrived.has(n)) throw new Error(`round ${round}: ${n} is missing`)
    acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged.length, 0)
    await backAgain(pair, source, round)
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
    `\nWriting moves on loopback, 4 writers, ${acknowledged} rows, ${SEQUENCES} sequences, median of ${ROUNDS}\n${lines.join('\n')}\n${'outage'.padEnd(28)}${outage.toFixed(0).padStart(6)} ms\n`,
  )
}, 3_000_000)

const sides = (pair: Pair, round: number) => ({
  old: fenceUnderTest(pair.source.options, `switch-${round}`, round + 1),
  fresh: fenceUnderTest(pair.target.options, `switch-${round}`, round + 1),
  scopes: { old: { databases: [pair.source.options.database] }, fresh: { databases: [pair.target.options.database] } },
})

async function oneRound(pair: Pair, source: Session, round: number): Promise<Took> {
  const { old, fresh, scopes } = sides(pair, round)
  const operation = `switch-${round}`
  // what stands before the outage: the standby closed, with our session inside and its workers let in
  await standbyForWorkers(pair, round)
  await until(
    async () => (await source.query('SELECT FROM pg_replication_slots WHERE active AND slot_name = $1', [pair.slot])).length > 0,
  )
  const guests = [await ownGuest(pair.here), await walsenderGuest(source, pair.slot)]
  const { token } = await raiseFence(pair.here, { epoch: round + 1, attempt: 1, operation })
  const took: Partial<Took> = {}
  const timed = async (step: keyof Took, work: () => Promise<unknown>): Promise<void> => {
    const began = performance.now()
    await work()
    took[step] = performance.now() - began
  }
  await timed('fence: close and empty', () => old.raise(scopes.old, 2, { guests }))
  await timed('fence: proof', () => old.prove(scopes.old, 3, { user: 'app' }, guests))
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
  await timed('way back: let in', () => letWorkersIn(old, pair.source.options.database, round, 4))
  await timed('way back: worker there', async () => {
    await pair.there.execute(`ALTER SUBSCRIPTION ${pair.subscription} DISABLE`)
    await pair.here.execute('ALTER SUBSCRIPTION back ENABLE')
    await until(
      async () => (await pair.there.query(`SELECT FROM pg_replication_slots WHERE active AND slot_name = 'back'`)).length > 0,
    )
  })
  await timed('open the standby', () => fresh.lower(5))
  return took as Took
}

async function letWorkersIn(
  { connectTo }: ReturnType<typeof fenceUnderTest>,
  database: string,
  round: number,
  attempt: number,
): Promise<void> {
  const keyhole = await openKeyhole({ connectTo, from: ['postgres'] })
  const operation = `switch-${round}`
  const { token } = await raiseFence(keyhole, { epoch: round + 1, attempt, operation })
  await openToWorkers(keyhole, { raisedBy: operation, database, token })
  await keyhole.close()
}

async function standbyForWorkers(pair: Pair, round: number): Promise<void> {
  const { fresh, scopes } = sides(pair, round)
  const guests = [await ownGuest(pair.there)]
  await fresh.raise(scopes.fresh, 1, { guests })
  await letWorkersIn(fresh, pair.target.options.database, round, 2)
}

/** To where it began, outside of what is measured. */
async function backAgain(pair: Pair, source: Session, round: number): Promise<void> {
  await pair.here.execute('ALTER SUBSCRIPTION back DISABLE')
  await pair.there.execute(`ALTER SUBSCRIPTION ${pair.subscription} ENABLE`)
  await sides(pair, round).old.lower(6)
  await until(
    async () => (await source.query('SELECT FROM pg_replication_slots WHERE active AND slot_name = $1', [pair.slot])).length > 0,
  )
}
