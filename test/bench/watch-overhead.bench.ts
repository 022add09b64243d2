/** What looking after a standby costs those who write to its source: commits a second of four writers with the watch and without, in stretches of one run by turns
 *  (CAPSTAN_BENCH_SECONDS, 10, of each; CAPSTAN_BENCH_ROUNDS, 6, of both), the standby following in all of them. The watch is the product's own round of looks, with its ledger, and
 *  each stretch begins a new one: the schemas are compared once in it, which is once a minute otherwise. CAPSTAN_BENCH_TABLES (200): how many there are to compare. The
 *  writers run inside the source's server; on one machine what the watch itself reckons is taken from them too. Prints a table and promises nothing. */
import { loadavg } from 'node:os'
import type { ConnectOptions } from '../../postgres/connect/connect-options'
import { type Movers, startMovers } from '../activities/switchover/moving'
import { until } from '../support/eventually'
import { FILL, SCHEMA, writeOnServer } from './writers'

const ROUNDS = Number(process.env.CAPSTAN_BENCH_ROUNDS ?? 6)
const SECONDS = Number(process.env.CAPSTAN_BENCH_SECONDS ?? 10)
const TABLES = Number(process.env.CAPSTAN_BENCH_TABLES ?? 200)

let movers: Movers
beforeAll(async () => {
  movers = await startMovers()
}, 300_000)
afterAll(() => movers?.stop())

const MANY = Array.from({ length: TABLES }, (_, n) => `CREATE TABLE many_${n} (id int PRIMARY KEY, n int)`).join('; ')

async function followed(): Promise<{ readonly options: ConnectOptions; watched(signal: AbortSignal): Promise<void> }> {
  const it = await movers.moving()
  for (const side of ['source', 'standby'] as const) await it.on(side, 'mover', `${SCHEMA}; ${MANY}`)
  const named = ['accounts', 'transfers', ...Array.from({ length: TABLES }, (_, n) => `many_${n}`)].join(', ')
  await it.on('source', 'mover', `${FILL}; GRANT SELECT ON ${named} TO follower`)
  const [found] = await it.on('source', 'master', 'SELECT pubname FROM pg_publication')
  await it.on('source', 'mover', `ALTER PUBLICATION ${found?.pubname} ADD TABLE ${named}`)
  const [subscribed] = await it.on(
    'standby',
    'master',
    'SELECT subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid AND d.datname = current_database()',
  )
  await it.on('standby', 'master', `ALTER SUBSCRIPTION ${subscribed?.subname} REFRESH PUBLICATION`)
  await until(
    'the first copies',
    async () => (await it.on('standby', 'master', `SELECT FROM pg_subscription_rel WHERE srsubstate <> 'r'`)).length === 0,
  )
  const { host, port } = movers.servers.source
  const options = { host, port, password: 'secret', applicationName: 'a writer', user: 'mover', database: it.names.source }
  return { options, watched: (signal) => it.watched(signal) }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

test('what the watch costs', async () => {
  const { options, watched } = await followed()
  const stretch = async (withWatch: boolean): Promise<number> => {
    const over = new AbortController()
    const watching = withWatch ? watched(over.signal) : Promise.resolve()
    const { commits, seconds } = await writeOnServer(options, SECONDS)
    over.abort()
    await watching
    return commits / seconds
  }
  await stretch(true)
  const pairs: { readonly without: number; readonly with: number }[] = []
  for (let n = 0; n < ROUNDS; n += 1) {
    // whichever comes first has the shorter log behind it
    const first = await stretch(n % 2 === 1)
    const second = await stretch(n % 2 === 0)
    pairs.push(n % 2 === 0 ? { without: first, with: second } : { without: second, with: first })
  }
  const ratios = pairs.map((one) => one.with / one.without).sort((a, b) => a - b)
  const [least = 0, most = 0] = [ratios[0], ratios.at(-1)]
  process.stdout.write(
    `\nCommits a second, 4 writers, ${TABLES + 3} tables, median of ${ROUNDS} stretches of ${SECONDS} s, load ${loadavg()[0]?.toFixed(1)}\n` +
      `${'without the watch'.padEnd(24)}${median(pairs.map((one) => one.without))
        .toFixed(0)
        .padStart(8)}\n${'with the watch'.padEnd(24)}${median(pairs.map((one) => one.with))
        .toFixed(0)
        .padStart(8)}\n` +
      `${'ratio, pair by pair'.padEnd(24)}${median(ratios).toFixed(3).padStart(8)}   (${least.toFixed(3)} to ${most.toFixed(3)})\n`,
  )
}, 3_600_000)
