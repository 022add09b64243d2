/** The first copy of a standby: PostgreSQL's own with all indexes in place, by one worker and by two, against ours, which sets indexes aside and builds them
 *  after. From 17 to 17 on one machine, which both share; without fsync. Each is run in turn, several times, and the median is told.
 *  CAPSTAN_BENCH_ROWS: of all tables together, default 1,000,000; CAPSTAN_BENCH_TABLES: how many those are, 1 to 4, default 4. Prints a table and promises nothing. */
import { loadavg } from 'node:os'
import { connect, type Session } from '../../postgres/connect/session'
import { buildIndexes } from '../../postgres/replicate/build-indexes'
import { setIndexesAside } from '../../postgres/replicate/set-aside'
import { removeStandby } from '../../postgres/replicate/teardown'
import { copied, follow, type Pair, pairOf, type ReplicatingServer, startReplicating } from '../postgres/replicate/support'

const ROWS = Number(process.env.CAPSTAN_BENCH_ROWS ?? 1_000_000)
const ROUNDS = Number(process.env.CAPSTAN_BENCH_ROUNDS ?? 3)
const LIMIT_MS = 1_800_000
const NAMES = ['one', 'two', 'three', 'four'].slice(0, Number(process.env.CAPSTAN_BENCH_TABLES ?? 4))
const TABLES = NAMES.map((name) => `public.${name}`)
const SCHEMA = NAMES.map(
  (
    name,
  ) => `CREATE TABLE ${name} (id bigint PRIMARY KEY, customer int NOT NULL, status text NOT NULL, note text, placed_at timestamptz NOT NULL);
    CREATE INDEX ON ${name} (customer, placed_at); CREATE INDEX ON ${name} (lower(note)); CREATE INDEX ON ${name} (status, id)`,
).join(';')

let servers: ReplicatingServer[]
let both: Pair
beforeAll(async () => {
  const settings = { max_wal_size: '4GB', shared_buffers: '256MB', autovacuum: 'off' }
  servers = [await startReplicating(17, settings), await startReplicating(17, settings)]
  both = await pairOf(servers[0]!, servers[1]!, SCHEMA)
  for (const name of NAMES) {
    await both.source.master.execute(`INSERT INTO ${name} SELECT g, hashint4(g::int) % 10000, 'status ' || g % 5, md5(g::text) || md5((g * 7)::text),
      '2024-01-01'::timestamptz + g * interval '1 second' FROM generate_series(1, ${ROWS / NAMES.length}) g`)
  }
}, LIMIT_MS)
afterAll(() => Promise.all((servers ?? []).map(({ server }) => server.stop())))

async function workers(count: number): Promise<void> {
  await both.standby.superuser.execute(`ALTER SYSTEM SET max_sync_workers_per_subscription = ${count}`)
  await both.standby.superuser.execute('SELECT pg_reload_conf()')
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

async function copying(): Promise<void> {
  await follow(both, TABLES)
  await copied(both, NAMES.length)
}

async function empty({ master, superuser }: { master: Session; superuser: Session }): Promise<void> {
  await removeStandby({ names: both.names, source: both.source.master, standby: master })
  await master.execute(`TRUNCATE ${TABLES.join(', ')}`)
  await superuser.execute('CHECKPOINT')
}

const WAYS: Readonly<Record<string, () => Promise<readonly number[]>>> = {
  'indexes in place, one worker': async () => {
    await workers(1)
    return [await timed(copying), 0]
  },
  'indexes in place, two workers': async () => {
    await workers(2)
    return [await timed(copying), 0]
  },
  'ours: set aside, two workers, two builders': async () => {
    await workers(2)
    await setIndexesAside(both.standby.master, { tables: TABLES })
    const copy = await timed(copying)
    return [copy, await timed(() => buildIndexes({ connect: () => connect(both.standby.options) }))]
  },
}

test(
  'the first copy',
  async () => {
    const times = new Map(Object.keys(WAYS).map((way) => [way, [] as (readonly number[])[]]))
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [way, run] of Object.entries(WAYS)) {
        times.get(way)!.push(await run())
        const [row] = await both.standby.master.query<{ indexes: number; rows: number }>(
          `SELECT (SELECT count(*)::int FROM pg_indexes WHERE schemaname = 'public') AS indexes, (SELECT count(*)::int FROM one) AS rows`,
        )
        expect(row).toEqual({ indexes: 4 * NAMES.length, rows: ROWS / NAMES.length })
        await empty(both.standby)
      }
    }
    const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
    const medians = [...times].map(([way, runs]) => ({
      way,
      copy: median(runs.map(([copy = 0]) => copy)),
      build: median(runs.map(([, build = 0]) => build)),
      all: median(runs.map(([copy = 0, build = 0]) => copy + build)),
    }))
    const ours = medians.at(-1)!.all
    const [size] = await both.source.master.query<{ bytes: number }>(
      `SELECT sum(pg_table_size(t::regclass))::float8 AS bytes FROM unnest($1::text[]) t`,
      [TABLES],
    )
    const rate = (seconds: number): string => ((size?.bytes ?? 0) / 1e6 / seconds).toFixed(1).padStart(7)
    const lines = medians.map(
      ({ way, copy, build, all }) =>
        `${way.padEnd(44)} ${copy.toFixed(1).padStart(6)} ${build.toFixed(1).padStart(6)} ${all.toFixed(1).padStart(6)} ${(all / ours).toFixed(2).padStart(6)} ${rate(copy)} ${rate(all)}`,
    )
    process.stdout.write(
      `\n${`${ROWS} rows, ${NAMES.length} tables, load ${loadavg()[0]?.toFixed(1)}`.padEnd(44)}   copy  build    all  ratio  MB/s of copy, of all\n${lines.join('\n')}\n`,
    )
  },
  LIMIT_MS,
)
