/** Two real PgBouncers before two real PostgreSQL servers, and the activities over them. */
import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Connection, Client as TemporalClient } from '@temporalio/client'
import { Client } from 'pg'
import { type Act, runAct } from '../../../activities/act'
import type { EndpointAccess } from '../../../activities/deps'
import type { TrafficActivities } from '../../../activities/traffic/contract'
import { createTrafficActivities } from '../../../activities/traffic/traffic'
import type { Endpoint, HostPort, Pooler } from '../../../contracts/endpoint'
import type { DatabaseEntry } from '../../../contracts/fleet'
import { type Ledger, openLedger } from '../../../ledger/ledger'
import { connect, type Session } from '../../../postgres/connect/session'
import { startTestServer, type TestServer } from '../../postgres/support/server'
import { removeFolder, startPooler, type TestPooler } from '../../support/pgbouncer'

export const DATABASE = 'shop-rw'
export const USERS = { boss: 'its password', watcher: 'looks', master: 'secret' }
const SECRETS: Readonly<Record<string, string>> = { 'env:BOSS': USERS.boss, 'env:WATCHER': USERS.watcher, 'env:WRONG': 'hunter2' }

export type PgBouncerEndpoint = Extract<Endpoint, { readonly kind: 'pgbouncer' }>

export interface Under {
  readonly traffic: TrafficActivities
  readonly ref: { readonly operation: string; readonly step: string; readonly bundle: string }
  act<T>(work: (traffic: TrafficActivities) => Promise<T>, how?: Partial<Act>): Promise<T>
}

export interface Side {
  readonly at: HostPort
  readonly session: Session
  /** Those that were written here. */
  written(): Promise<number[]>
}

export class Poolers {
  readonly old: Side
  readonly fresh: Side
  readonly folder: string
  readonly ledgerUrl: string
  readonly #servers: readonly TestServer[]
  readonly #ledger: Ledger
  readonly #started: TestPooler[] = []
  readonly #clients: Client[] = []

  private constructor(made: {
    servers: readonly TestServer[]
    ledger: Ledger
    ledgerUrl: string
    folder: string
    sides: readonly [Side, Side]
  }) {
    this.#servers = made.servers
    this.#ledger = made.ledger
    this.folder = made.folder
    this.ledgerUrl = made.ledgerUrl
    ;[this.old, this.fresh] = made.sides
  }

  static async start(): Promise<Poolers> {
    const servers = await Promise.all([startTestServer(17), startTestServer(17)])
    const folder = await mkdtemp(join(tmpdir(), 'capstan-poolers-'))
    await chmod(folder, 0o755)
    const [sides, own] = await Promise.all([Promise.all(servers.map(side)), servers[0].database()])
    const { user, password, host, port, database } = own.options
    const ledgerUrl = `postgres://${user}:${password}@${host}:${port}/${database}`
    const ledger = openLedger({ url: ledgerUrl })
    await ledger.migrate()
    const [old, fresh] = sides
    if (old === undefined || fresh === undefined) throw new Error('two servers')
    return new Poolers({ servers, ledger, ledgerUrl, folder, sides: [old, fresh] })
  }

  async closeClients(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.end().catch(() => undefined)
  }

  async stop(): Promise<void> {
    await this.closeClients()
    for (const pooler of this.#started) await pooler.stop()
    await this.#ledger.close()
    for (const server of this.#servers) await server.stop()
    await removeFolder(this.folder)
  }

  get file(): string {
    return join(this.folder, 'shop.ini')
  }

  text(): Promise<string> {
    return readFile(this.file, 'utf8')
  }

  /** As a person would. */
  async lead({ host, port }: HostPort, file = this.file): Promise<void> {
    await writeFile(file, `; the shop's\n[databases]\n${DATABASE} = host=${host} port=${port} dbname=app pool_size=8\n`, {
      mode: 0o644,
    })
  }

  async pooler(name: string, settings: Readonly<Record<string, string>> = {}, include = this.file): Promise<TestPooler> {
    const pooler = await startPooler({ folder: join(this.folder, name), include, users: USERS, settings })
    this.#started.push(pooler)
    return pooler
  }

  endpoint(poolers: readonly TestPooler[], more: Partial<Pooler> = {}, file = 'shop.ini'): PgBouncerEndpoint {
    const each = poolers.map(({ host, port }) => ({
      host,
      port,
      user: 'boss',
      secret: 'env:BOSS',
      tls: 'disable' as const,
      ...more,
    }))
    return { kind: 'pgbouncer', database: DATABASE, poolers: each, target: { by: 'file', file } }
  }

  async under(endpoint: Endpoint, access: Partial<EndpointAccess> = {}): Promise<Under> {
    const role = { user: 'it', secret: 'env:IT', host: null, port: null, tls: 'disable' } as const
    const database = {
      ...{ name: 'shop', cloud: 'gcp', account: 'shop-production', region: 'europe-west3', instance: 'shop', database: 'shop' },
      ...{ environment: 'test', labels: {}, connections: { admin: role, migrator: role }, migrations: null },
      checks: { rowCounts: [], invariants: [], smoke: [] },
      policy: {
        ...{ approval: 'none', lockTimeoutMs: 1, lockAttempts: 1, bakeSeconds: 0, snapshotRetentionHours: 1 },
        limits: { writeBlockMsMax: null, rewriteRowsMax: null, statementMsMax: null, walBytesMax: null },
      },
      canary: { networks: ['127.0.0.0/8'], instanceClass: null },
      endpoint,
    } as const satisfies DatabaseEntry
    const bundle = await this.#ledger.putBundle({ version: 1, database, migrations: [] })
    const endpoints = { commands: null, labRouter: null, poolerFiles: this.folder, ...access }
    const resolveSecret = async (ref: string) => SECRETS[ref] ?? ''
    const traffic = createTrafficActivities({ ledger: this.#ledger, endpoints, resolveSecret })
    const act: Act = {
      ...{ attempt: 1, scheduledAtMs: Date.now(), signal: new AbortController().signal, stale: () => false },
      ...{ client: new TemporalClient({ connection: Connection.lazy() }), isCurrent: async () => true },
    }
    return {
      ...{ traffic, ref: { operation: 'op-one', step: 'endpoint', bundle } },
      act: (work, how = {}) => runAct({ ...act, ...how }, () => work(traffic)),
    }
  }

  /** What a person does in the console. */
  async admin({ host, port }: HostPort, command: string): Promise<Readonly<Record<string, unknown>>[]> {
    const client = new Client({ host, port, user: 'boss', password: USERS.boss, database: 'pgbouncer' })
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(command)).rows
    } finally {
      await client.end()
    }
  }

  async isPaused(pooler: HostPort): Promise<boolean> {
    const rows = await this.admin(pooler, 'SHOW DATABASES')
    return Number(rows.find(({ name }) => name === DATABASE)?.paused) === 1
  }

  /** The port of the server that it leads to. */
  async leads(pooler: HostPort): Promise<number> {
    const rows = await this.admin(pooler, 'SHOW DATABASES')
    return Number(rows.find(({ name }) => name === DATABASE)?.port)
  }

  /** Consoles of ours that are open in it. */
  async consoles(pooler: HostPort): Promise<number> {
    const rows = await this.admin(pooler, 'SHOW CLIENTS')
    return rows.filter(({ application_name: name }) => name === 'capstan').length
  }

  /** An application's. */
  async client({ host, port }: HostPort, applicationName = 'app'): Promise<Client> {
    const login = { host, port, user: 'master', password: USERS.master, database: DATABASE }
    const client = new Client({ ...login, application_name: applicationName })
    // one whose pooler was killed
    client.on('error', () => undefined)
    this.#clients.push(client)
    await client.connect()
    return client
  }
}

async function side(server: TestServer): Promise<Side> {
  const database = await server.database()
  const admin = await database.connectAsSuperuser()
  await admin.execute('CREATE DATABASE app OWNER master STRATEGY file_copy')
  const session = await connect({ ...database.options, database: 'app' })
  await session.execute('CREATE TABLE written (id int PRIMARY KEY)')
  return {
    at: { host: server.host, port: server.port },
    session,
    written: async () => (await session.query<{ id: number }>('SELECT id FROM written ORDER BY id')).map(({ id }) => id),
  }
}

/** Applications that write one row after the other, each over one connection, until they are told to stop. */
export class Writers {
  readonly acknowledged: number[] = []
  readonly errors: unknown[] = []
  #stopped = false
  readonly #running: Promise<void>[]

  constructor(clients: readonly Client[]) {
    let next = 0
    this.#running = clients.map(async (client) => {
      client.on('error', (error) => this.errors.push(error))
      while (!this.#stopped) {
        const id = ++next
        await client.query('INSERT INTO written VALUES ($1)', [id]).then(
          () => this.acknowledged.push(id),
          (error: unknown) => this.errors.push(error),
        )
        if (this.errors.length > 0) return
      }
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running)
  }
}
