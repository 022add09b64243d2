/** The bank of a switchover behind two PgBouncers that lead where one file says. Its clients never connect anew: whatever ends or refuses one is an error that an
 *  application would have seen. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { startPooler, type TestPooler } from './pgbouncer'
import { type Bank, type Front, now, pauseOf, TRANSFER, transferOf } from './switching'

const PASSWORD = 'of the console'
const ROOM = { max_client_conn: '300' }
const APP = { user: 'stock_app', password: 'app-password' }

/** Lanes of the bank that are even come by the first. */
const POOLERS = ['one', 'two'] as const
export type PoolerName = (typeof POOLERS)[number]

export interface PooledFront extends Front {
  /** An application's. */
  client(applicationName: string, by?: PoolerName): Promise<Client>
  /** Of the poolers: who lets its clients wait. */
  paused(): Promise<boolean[]>
  /** By a person at the console, or a switchover that nobody brought to its end. */
  pause(): Promise<void>
  /** `kill -9`. */
  kill(one: PoolerName): Promise<void>
  start(one: PoolerName): Promise<void>
  /** As a failure names it. */
  addressOf(one: PoolerName): string
}

export function pooledFront(): PooledFront {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-poolers-'))
  chmodSync(folder, 0o755)
  const file = join(folder, 'stock.ini')
  const poolers: TestPooler[] = []
  const named = (name: PoolerName): TestPooler => {
    const found = poolers[POOLERS.indexOf(name)]
    if (found === undefined) throw new Error('no pooler was started')
    return found
  }
  return {
    env: { CAPSTAN_PGBOUNCER_FILES: folder, SHOP_POOLER: PASSWORD },
    async open(_capstan, { host, port }) {
      writeFileSync(file, `[databases]\nstock = host=${host} port=${port} dbname=stock pool_size=8\n`)
      const users = { boss: PASSWORD, [APP.user]: APP.password }
      for (const name of POOLERS)
        poolers.push(await startPooler({ folder: join(folder, name), include: file, users, settings: ROOM }))
      const named = poolers.map(
        (one) => `{ host: ${one.host}, port: ${one.port}, user: boss, secret: env:SHOP_POOLER, tls: disable }`,
      )
      return `{ kind: pgbouncer, poolers: [${named.join(', ')}], file: stock.ini }`
    },
    bank: (_capstan, clients) => startBank(poolers, clients),
    client: async (applicationName, by = 'one') => connected(named(by), applicationName),
    paused: () => Promise.all(poolers.map(isPaused)),
    pause: async () => void (await Promise.all(poolers.map((one) => atConsole(one, 'PAUSE stock')))),
    kill: (one) => named(one).stop(),
    start: (one) => named(one).start(),
    addressOf(one) {
      const { host, port } = named(one)
      return `${host}:${port}`
    },
    async close() {
      for (const pooler of poolers) await pooler.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function connected({ host, port }: TestPooler, application_name: string): Promise<Client> {
  const client = new Client({ host, port, ...APP, database: 'stock', application_name })
  // whoever asks next is told
  client.on('error', () => undefined)
  await client.connect()
  return client
}

async function isPaused(pooler: TestPooler): Promise<boolean> {
  const rows = await atConsole<{ name: string; paused: number }>(pooler, 'SHOW DATABASES')
  return Number(rows.find(({ name }) => name === 'stock')?.paused) === 1
}

async function atConsole<T extends object>({ host, port }: TestPooler, command: string): Promise<T[]> {
  const console = new Client({ host, port, user: 'boss', password: PASSWORD, database: 'pgbouncer' })
  await console.connect()
  const { rows } = await console.query<T>(command).finally(() => console.end())
  return rows
}

/** Half of them at each pooler; the odd ones commit by transactions that do not wait for the disk. One that saw an error is at an end. */
async function startBank(poolers: readonly TestPooler[], many: number): Promise<Bank> {
  const acknowledged = new Map<number, number>()
  const times = new Map<number, number>()
  const errors: string[] = []
  let stopped = false
  let count = 0
  const transfer = async (client: Client, lane: number, number: number): Promise<number | undefined> => {
    const move = () => client.query<{ id: string }>(TRANSFER, [...transferOf(number)])
    if (lane % 2 === 0) return Number((await move()).rows[0]?.id)
    await client.query('BEGIN')
    await client.query('SET LOCAL synchronous_commit = off')
    const { rows } = await move()
    await client.query('COMMIT')
    return Number(rows[0]?.id)
  }
  const clients: Client[] = []
  for (let lane = 0; lane < many; lane += 1)
    clients.push(await connected(poolers[lane % poolers.length] as TestPooler, `bank ${lane}`))
  const loops = clients.map(async (client, lane) => {
    while (!stopped) {
      count += 1
      const number = count
      try {
        const id = await transfer(client, lane, number)
        if (id !== undefined) acknowledged.set(number, id)
        times.set(number, now())
      } catch (error) {
        errors.push(String(error))
        break
      }
      await sleep(pauseOf(lane))
    }
    await client.end().catch(() => undefined)
  })
  return {
    ...{ acknowledged, times, errors },
    async stop() {
      stopped = true
      await Promise.all(loops)
    },
  }
}
