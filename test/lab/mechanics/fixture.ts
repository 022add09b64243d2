import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type ClientConfig, type QueryResultRow } from 'pg'
import { type ServerSpec, Servers, type ServersOptions } from '../../../lab/postgres/servers'
import { withAdministrator } from '../../../lab/postgres/session'
import { scramVerifier } from '../../../lab/postgres/verifier'
import type { PostgresMajor } from '../../../pgserver/binaries'
import { isFree } from '../../../pgserver/free-port'
import { cacheDir, ownBlock, PASSWORD } from '../fixture'

export const never = new AbortController().signal

export interface Mechanics {
  readonly servers: Servers
  /** What a process of its own needs to open the same servers. */
  options: Omit<ServersOptions, 'flavour' | 'ended' | 'log'>
  stateDir: string
  port: number
  /** Folders of servers that ended by themselves. */
  ended: string[]
  /** A spec with an address of its own. */
  spec(folder: string, major: PostgresMajor, more?: Partial<ServerSpec>): ServerSpec
  create(folder: string, major: PostgresMajor, more?: Partial<ServerSpec>): Promise<ServerSpec>
  /** As the master, in its database. */
  ask<Row extends QueryResultRow>(spec: ServerSpec, sql: string, more?: ClientConfig): Promise<Row[]>
  /** As the administrator, from where it is let in. */
  asAdministrator<Row extends QueryResultRow>(spec: ServerSpec, sql: string): Promise<Row[]>
  /** A new lab over the same folders, as after a crash of the old one: its servers still run. */
  forget(): void
  remove(): Promise<void>
}

export const ADMINISTRATOR_PASSWORD = 'rather:secret \\ indeed'

const FLAVOUR = {
  name: 'mechanics',
  administrator: 'labadmin',
  extensions: [],
  bootstrap: ({ name, verifier, database }: { name: string; verifier: string; database: string }) => [
    `CREATE ROLE ${name} LOGIN CREATEDB REPLICATION PASSWORD '${verifier}'`,
    `GRANT pg_monitor TO ${name}`,
    'CREATE DATABASE labadmin OWNER labadmin',
    `CREATE DATABASE ${database} OWNER ${name}`,
  ],
}

export async function openMechanics(more: Partial<ServersOptions> = {}): Promise<Mechanics> {
  const root = mkdtempSync(join(tmpdir(), `it's 100% "capstan" mechanics `))
  chmodSync(root, 0o755)
  const stateDir = join(root, 'state')
  const block = ownBlock()
  const administratorAddress = `${block}.1`
  const port = await freePort(block)
  const ended: string[] = []
  const all = new Set<string>()
  let last = 100
  const options = { stateDir, cacheDir, port, administratorAddress, administratorPassword: ADMINISTRATOR_PASSWORD }
  const open = (): Servers =>
    new Servers({ ...options, flavour: FLAVOUR, ended: (folder) => ended.push(folder), log: () => {}, ...more })
  let servers = open()
  const query = async <Row extends QueryResultRow>(config: ClientConfig, sql: string): Promise<Row[]> => {
    const client = new Client(config)
    client.on('error', () => {})
    await client.connect()
    return client
      .query<Row>(sql)
      .then(({ rows }) => rows)
      .finally(() => client.end())
  }
  const mechanics: Mechanics = {
    get servers() {
      return servers
    },
    options,
    stateDir,
    port,
    ended,
    spec(folder, major, changes) {
      all.add(folder)
      return { folder, major, address: `${block}.${++last}`, settings: {}, networks: ['127.0.0.1/32'], ...changes }
    },
    async create(folder, major, changes) {
      const spec = mechanics.spec(folder, major, changes)
      await servers.create(spec, { name: 'boss', verifier: scramVerifier(PASSWORD), database: 'shop' })
      return spec
    },
    ask: ({ address: host }, sql, config) =>
      query({ host, port, user: 'boss', password: PASSWORD, database: 'shop', ...config }, sql),
    async asAdministrator({ address }, sql) {
      const login = { host: address, port, user: 'labadmin', password: ADMINISTRATOR_PASSWORD, database: 'shop' }
      return withAdministrator({ ...login, from: administratorAddress }, async (client) => (await client.query(sql)).rows)
    },
    forget() {
      servers = open()
    },
    async remove() {
      for (const folder of all) await servers.remove(folder)
      rmSync(root, { recursive: true, force: true })
    },
  }
  return mechanics
}

/** Free on every address of the block, since it is free on two of them that nobody chooses. */
async function freePort(block: string): Promise<number> {
  for (let port = 20_000 + (process.pid % 20_000); ; port++) {
    if ((await isFree(`${block}.1`, port)) && (await isFree(`${block}.254`, port))) return port
  }
}

/** Commits numbers one after the other until it is told to stop, and remembers when each was acknowledged. */
export function startWriter(mechanics: Mechanics, spec: ServerSpec, first = 1) {
  const acknowledged: { id: number; at: number }[] = []
  let stop = false
  const done = (async () => {
    const client = new Client({
      host: spec.address,
      port: mechanics.port,
      user: 'boss',
      password: PASSWORD,
      database: 'shop',
      connectionTimeoutMillis: 30_000,
    })
    client.on('error', () => {})
    await client.connect()
    for (let id = first; !stop; id++) {
      try {
        await client.query('INSERT INTO journal VALUES ($1, clock_timestamp())', [id])
      } catch {
        break
      }
      acknowledged.push({ id, at: Date.now() })
      await sleep(1)
    }
    await client.end().catch(() => {})
  })()
  return {
    acknowledged,
    async reach(count: number): Promise<void> {
      const wanted = acknowledged.length + count
      await until(() => acknowledged.length >= wanted)
    },
    async stop(): Promise<number[]> {
      stop = true
      await done
      return acknowledged.map(({ id }) => id)
    },
  }
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10)
}
