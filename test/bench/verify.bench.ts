/** Two equal tables compared, beside two floors: `sum(hash_record_extended(t, 0))`, which is what reading and hashing cost at least (and would be no
 *  proof: docs/decisions/0012), and one statement that sums the sound hash. First one side alone, on one connection and on two, then both
 *  at once, which here share one machine; then reladiff's hashdiff, if there is one (CAPSTAN_BENCH_RELADIFF, or on the PATH); last `--live` with a
 *  subscription, without writes and under 500 a second.
 *
 *  All are run in turn, several times, and compared within each turn; the median is told. `cpu` are the seconds of the servers' processes, which a busy
 *  machine changes less than wall time. CAPSTAN_BENCH_ROWS: default 500,000; 5,000,000 are the full size of 1 GB a side. Prints a table and
 *  promises nothing. */
import { spawn } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import path from 'node:path'
import { connect, type Session } from '../../postgres/connect/session'
import type { ProvenSoFar } from '../../postgres/verify/carry-on'
import { readCatalog } from '../../postgres/verify/catalog'
import { type CompareOptions, compareDatabases } from '../../postgres/verify/compare'
import { pairTables, type TablePair } from '../../postgres/verify/pairing'
import { rowHash } from '../../postgres/verify/row-hash'
import { Side } from '../../postgres/verify/side'
import { sweep } from '../../postgres/verify/sweep'
import { startTestServer, type TestDatabase, type TestServer } from '../postgres/support/server'

const ROWS = Number(process.env.CAPSTAN_BENCH_ROWS ?? 500_000)
const ROUNDS = Number(process.env.CAPSTAN_BENCH_ROUNDS ?? 3)
const WRITES_PER_S = 500
const LIMIT_MS = 3_000_000

let server: TestServer
let source: TestDatabase
let target: TestDatabase
let sessions: [Session, Session]
let pair: TablePair
beforeAll(async () => {
  server = await startTestServer(17, { shared_buffers: '1GB', max_wal_size: '8GB', autovacuum: 'off' })
  source = await server.database()
  target = await server.database()
  sessions = [await source.connect(), await target.connect()]
  await Promise.all(
    sessions.map(async (session) => {
      await session.execute(`CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, status text NOT NULL, amount numeric(12,2), note text,
        placed_at timestamptz NOT NULL, paid boolean)`)
      await session.execute(`INSERT INTO orders SELECT g, g % 10000, 'status ' || g % 5, (g % 100000) / 100.0, md5(g::text) || md5((g * 7)::text) || md5((g * 3)::text),
        '2024-01-01'::timestamptz + g * interval '1 second', g % 3 = 0 FROM generate_series(1, ${ROWS}) g`)
      await session.execute('VACUUM (FREEZE, ANALYZE) orders')
      await session.execute('SET max_parallel_workers_per_gather = 0; SET jit = off')
    }),
  )
  const [one, other] = [await readCatalog(sessions[0], undefined), await readCatalog(sessions[1], undefined)]
  const [only] = pairTables(one, other, { tables: ['orders'], exclude: [] }).pairs
  if (only === undefined) throw new Error('one table was paired')
  pair = only
}, LIMIT_MS)
afterAll(() => server?.stop())

interface Cost {
  readonly wall: number
  readonly cpu: number
}

/** Seconds of processor that the server's processes took until now, those that have ended as well. */
function cpuOf(backendPid: number): number {
  const fields = (pid: number) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
  }
  const own = (of: number[], from: number): number => (of[from] ?? 0) + (of[from + 1] ?? 0)
  const postmaster = fields(backendPid)[1] ?? 0
  for (;;) {
    const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ').map(Number)
    try {
      const ticks = children.reduce((sum, child) => sum + own(fields(child), 11), own(fields(postmaster), 13))
      return ticks / 100
    } catch {
      // one has just ended
    }
  }
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const [began, before] = [performance.now(), cpuOf(sessions[0].backendPid)]
  await work()
  return { wall: (performance.now() - began) / 1000, cpu: cpuOf(sessions[0].backendPid) - before }
}

const FLOOR = 'SELECT sum(hash_record_extended(o, 0)) FROM orders o'
const sound = () => `SELECT count(*), sum(${rowHash(pair.columns.map((column) => column.source))}) FROM orders t`

async function sweptAlone(jobs: number): Promise<void> {
  const side = await Side.open({ name: 'source', connect: () => connect(source.options), mode: 'static', jobs })
  try {
    await side.begin([pair.source])
    await sweep({ side, pair, stopped: () => false, onChunk: () => undefined })
  } finally {
    await side.close()
  }
}

async function compare(jobs: number, more: Partial<CompareOptions> = {}): Promise<void> {
  const { verdict } = await compareDatabases({
    source: () => connect(source.options),
    target: () => connect(target.options),
    mode: 'static',
    jobs,
    ...more,
  })
  if (verdict !== 'equal') throw new Error(`they are ${verdict}`)
}

function reladiff(): string | null {
  const places = (process.env.PATH ?? '').split(path.delimiter).map((place) => path.join(place, 'reladiff'))
  const given = process.env.CAPSTAN_BENCH_RELADIFF
  return [...(given === undefined ? places : [given])].find(runs) ?? null
}

function runs(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** It prints a line for each row that differs: none may. */
function diffed(program: string): Promise<void> {
  const [one, other] = [source, target].map(
    ({ options: o }) => `postgresql://${o.user}:${o.password}@${o.host}:${o.port}/${o.database}`,
  )
  const columns = pair.columns.filter(({ name }) => name !== 'id').flatMap(({ name }) => ['-c', name])
  const child = spawn(program, [one ?? '', 'orders', other ?? '', 'orders', '-k', 'id', '-j', '2', ...columns], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 && said.trim() === '' ? resolve() : reject(new Error(`reladiff: ${code} ${said.slice(0, 300)}`)),
    )
  })
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** In turn, `ROUNDS` times. */
async function measured(contenders: Readonly<Record<string, () => Promise<unknown>>>): Promise<Map<string, Cost[]>> {
  const costs = new Map<string, Cost[]>(Object.keys(contenders).map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [name, work] of Object.entries(contenders)) costs.get(name)?.push(await costOf(work))
  return costs
}

function print(title: string, costs: Map<string, Cost[]>, floors: readonly string[]): void {
  const lines = [...costs].map(([name, all]) => {
    const ratios = floors.map((floor) => {
      const of = (what: keyof Cost) => median(all.map((cost, at) => cost[what] / (costs.get(floor)?.[at]?.[what] ?? 1)))
      return `${of('wall').toFixed(2).padStart(8)} ${of('cpu').toFixed(2).padStart(6)}`
    })
    const [wall, cpu] = [median(all.map((cost) => cost.wall)), median(all.map((cost) => cost.cpu))]
    return `${name.padEnd(40)}${wall.toFixed(2).padStart(8)} s${cpu.toFixed(2).padStart(8)} s cpu${ratios.join('')}`
  })
  const head = `${title}, median of ${ROUNDS}; then wall and cpu as ratios to: ${floors.join('; ')}`
  process.stdout.write(`\n${head}\n${lines.join('\n')}\n`)
}

test(
  'two equal tables',
  async () => {
    const [one, other] = sessions
    const [size] = await one.query<{ size: number }>(`SELECT pg_table_size('orders') AS size`)
    process.stdout.write(`\n${ROWS.toLocaleString('en-US')} rows, ${((size?.size ?? 0) / 1e6).toFixed(0)} MB a side\n`)
    print(
      'One side alone',
      await measured({
        hash_record_extended: () => one.query(FLOOR),
        'the sound hash in one statement': () => one.query(sound()),
        'verify, 1 connection': () => sweptAlone(1),
        'verify, 2 connections': () => sweptAlone(2),
      }),
      ['hash_record_extended', 'the sound hash in one statement', 'verify, 2 connections'],
    )
    const peer = reladiff()
    let known: ProvenSoFar | undefined
    await compare(1, { onProven: (told) => (known = told) })
    print(
      'Both sides',
      await measured({
        hash_record_extended: () => Promise.all([one.query(FLOOR), other.query(FLOOR)]),
        'verify, 1 connection a side': () => compare(1),
        'verify, 2 connections a side': () => compare(2),
        'carried on, 1 connection a side': () => compare(1, { carriedOn: known }),
        ...(peer === null ? {} : { 'reladiff, 2 threads': () => diffed(peer) }),
      }),
      ['hash_record_extended', 'verify, 1 connection a side', 'verify, 2 connections a side'],
    )
    if (peer === null) process.stdout.write('reladiff is not here\n')
  },
  LIMIT_MS,
)

test(
  'under replication',
  async () => {
    const [writer, there] = [sessions[0], await target.connectAsSuperuser()]
    const publisher = await source.connectAsSuperuser()
    await publisher.execute('CREATE PUBLICATION everything FOR ALL TABLES')
    // Of one server: it would wait for itself.
    await publisher.query(`SELECT pg_create_logical_replication_slot('copies', 'pgoutput')`)
    const { host, port, database, password } = source.options
    await there.execute(`CREATE SUBSCRIPTION copies CONNECTION 'host=${host} port=${port} dbname=${database} user=postgres password=${password}'
    PUBLICATION everything WITH (create_slot = false, slot_name = 'copies', copy_data = false)`)
    let written = 0
    const underWrites = async (work: () => Promise<unknown>) => {
      let over = false
      const began = performance.now()
      let own = 0
      const writing = (async () => {
        for (; !over; own += 1, written += 1) {
          const ahead = (1000 * own) / WRITES_PER_S - (performance.now() - began)
          if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead))
          await writer.query('UPDATE orders SET amount = amount + 1 WHERE id = $1', [1 + ((own * 7_919) % ROWS)])
        }
      })()
      try {
        await work()
      } finally {
        over = true
        await writing
      }
    }
    try {
      const live = () => compare(2, { mode: 'live', slots: ['copies'] })
      const costs = await measured({ 'live, no writes': live, [`live, ${WRITES_PER_S} writes/s`]: () => underWrites(live) })
      print('Under replication, 2 connections a side', costs, ['live, no writes'])
      process.stdout.write(`${written} writes in all\n`)
    } finally {
      await there.execute(
        'ALTER SUBSCRIPTION copies DISABLE; ALTER SUBSCRIPTION copies SET (slot_name = NONE); DROP SUBSCRIPTION copies',
      )
    }
  },
  LIMIT_MS,
)
