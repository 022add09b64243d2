/** How much a standby applies in a second: against what four writers commit, and against a subscription of PostgreSQL's own, as its manual makes one. Ours has the row that
 *  beats and the marker beside the tables, options of its own, and both sides are looked at every three seconds, as the watch does. By turns, CAPSTAN_BENCH_ROUNDS (3) times:
 *  while they write for CAPSTAN_BENCH_SECONDS (10), and what they have left when nobody followed meanwhile. The writers run inside the source's server, so that no client's time is in it.
 *  From 17 to 17 on one machine, which both share; without fsync. Prints medians and promises nothing. */
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Session } from '../../postgres/connect/session'
import { ensureControlSchema } from '../../postgres/migrate/control-schema'
import { copyProgress } from '../../postgres/replicate/copy-progress'
import { MARKER_TABLE } from '../../postgres/replicate/marker'
import { BEAT_TABLE, beat, lastBeat } from '../../postgres/replicate/watch/beat'
import { lookAtSource, lookAtStandby } from '../../postgres/replicate/watch/look'
import { copied, follow, type Pair, pairOf, type ReplicatingServer, startReplicating } from '../postgres/replicate/support'
import { until } from '../support/eventually'
import { ACCOUNTS, FILL, SCHEMA, writeOnServer } from './writers'

const ROUNDS = Number(process.env.CAPSTAN_BENCH_ROUNDS ?? 3)
const SECONDS = Number(process.env.CAPSTAN_BENCH_SECONDS ?? 10)
const LOOK_EVERY_MS = 3_000
const LIMIT_MS = 3_600_000

let servers: ReplicatingServer[]
beforeAll(async () => {
  const settings = { max_wal_size: '4GB', shared_buffers: '256MB' }
  servers = [await startReplicating(17, settings), await startReplicating(17, settings)]
}, 300_000)
afterAll(() => Promise.all((servers ?? []).map(({ server }) => server.stop())))

interface Followed {
  readonly pair: Pair
  readonly slot: string
  readonly subscription: string
  /** Beside the writers, until it is stopped. */
  readonly watch: () => () => Promise<void>
}

const TABLES = ['public.accounts', 'public.transfers']

async function plainly(): Promise<Followed> {
  const pair = await pairOf(servers[0]!, servers[1]!, SCHEMA)
  const { host, port, database } = pair.source.options
  await pair.source.superuser.execute(`CREATE ROLE plain LOGIN REPLICATION PASSWORD 'plain'`)
  await pair.source.master.execute(
    `${FILL}; GRANT SELECT ON ${TABLES.join(', ')} TO plain; CREATE PUBLICATION plain FOR TABLE ${TABLES.join(', ')}`,
  )
  await pair.standby.master.execute(
    `CREATE SUBSCRIPTION plain CONNECTION 'host=${host} port=${port} dbname=${database} user=plain password=plain' PUBLICATION plain`,
  )
  await until(
    'the first copies',
    async () => (await pair.standby.master.query(`SELECT FROM pg_subscription_rel WHERE srsubstate <> 'r'`)).length === 0,
  )
  return { pair, slot: 'plain', subscription: 'plain', watch: () => async () => undefined }
}

async function asOurs(): Promise<Followed> {
  const pair = await pairOf(servers[0]!, servers[1]!, SCHEMA)
  for (const { master } of [pair.source, pair.standby]) await ensureControlSchema(master)
  await pair.source.master.execute(
    `${FILL}; GRANT USAGE ON SCHEMA capstan TO follower; GRANT SELECT ON ${BEAT_TABLE}, ${MARKER_TABLE} TO follower`,
  )
  const tables = [...TABLES, BEAT_TABLE, MARKER_TABLE]
  await follow(pair, tables)
  await copied(pair, tables.length)
  return { pair, slot: pair.names.slot, subscription: pair.names.subscription, watch: () => watching(pair) }
}

function watching({ source, standby, names: { slot, publication, subscription } }: Pair): () => Promise<void> {
  const over = new AbortController()
  const progress = (one: Session) => copyProgress(one, { subscription, sizes: new Map() })
  const running = (async () => {
    const [here, there] = [await connect(source.options), await connect(standby.options)]
    while (!over.signal.aborted) {
      const { copySlots } = await lookAtStandby(there, { subscription, progress })
      await lastBeat(there)
      await lookAtSource(here, { slot, publication, copySlots })
      await beat(here)
      await sleep(LOOK_EVERY_MS, undefined, { signal: over.signal }).catch(() => undefined)
    }
    await Promise.all([here.close(), there.close()])
  })()
  return async () => {
    over.abort()
    await running
  }
}

/** Seconds until the standby has confirmed all that the source has on its disk now. */
async function caughtUp({ pair: { source }, slot }: Followed): Promise<number> {
  const began = performance.now()
  const [flushed] = await source.master.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn')
  for (;;) {
    const rows = await source.master.query(
      'SELECT FROM pg_replication_slots WHERE slot_name = $1 AND confirmed_flush_lsn >= $2::pg_lsn',
      [slot, flushed?.lsn],
    )
    if (rows.length > 0) return (performance.now() - began) / 1_000
    await sleep(20)
  }
}

const WAYS = ['PostgreSQL’s own', 'ours, looked at'] as const
const FIGURES = ['committed, nobody follows', 'applied of that, all at once', 'committed, followed', 'applied, followed'] as const
type Figures = Record<(typeof FIGURES)[number], number>

async function round(one: Followed): Promise<Figures> {
  const { pair, subscription } = one
  const stop = one.watch()
  try {
    await pair.standby.master.execute(`ALTER SUBSCRIPTION ${subscription} DISABLE`)
    const alone = await writeOnServer(pair.source.options, SECONDS)
    await pair.standby.master.execute(`ALTER SUBSCRIPTION ${subscription} ENABLE`)
    const catching = await caughtUp(one)
    const followed = await writeOnServer(pair.source.options, SECONDS)
    const behind = await caughtUp(one)
    return {
      'committed, nobody follows': alone.commits / alone.seconds,
      'applied of that, all at once': alone.commits / catching,
      'committed, followed': followed.commits / followed.seconds,
      'applied, followed': followed.commits / (followed.seconds + behind),
    }
  } finally {
    await stop()
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

test(
  'what a standby applies',
  async () => {
    const followed = [await plainly(), await asOurs()]
    const rounds = WAYS.map(() => [] as Figures[])
    for (let n = 0; n < ROUNDS; n += 1) for (const way of [0, 1]) rounds[way]!.push(await round(followed[way]!))
    for (const { pair } of followed) {
      const sum = 'SELECT count(*)::int AS rows, sum(amount)::bigint AS amounts FROM transfers'
      expect(await pair.standby.master.query(sum)).toEqual(await pair.source.master.query(sum))
      expect(await pair.standby.master.query('SELECT count(*)::int AS n FROM accounts')).toEqual([{ n: ACCOUNTS }])
    }
    const lines = FIGURES.map((figure) => {
      const [plain = 0, ours = 0] = rounds.map((all) => median(all.map((one) => one[figure])))
      return `${figure.padEnd(32)}${plain.toFixed(0).padStart(18)}${ours.toFixed(0).padStart(18)}${(ours / plain).toFixed(2).padStart(8)}`
    })
    const keeps = rounds.map((all) => median(all.map((one) => one['applied, followed'] / one['committed, followed'])))
    process.stdout.write(
      `\nA second, 4 writers of a row in and a row changed each, median of ${ROUNDS}, load ${loadavg()[0]?.toFixed(1)}\n` +
        `${''.padEnd(32)}${WAYS.map((way) => way.padStart(18)).join('')}${'ratio'.padStart(8)}\n${lines.join('\n')}\n` +
        `${'applied of what was committed'.padEnd(32)}${keeps.map((one) => one.toFixed(2).padStart(18)).join('')}\n`,
    )
  },
  LIMIT_MS,
)
