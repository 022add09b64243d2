/** A PostgreSQL server for one test file, with a master role that is no superuser, and a fresh database for each test. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { ensureBinaries, type PostgresBinaries, type PostgresMajor } from '../../../pgserver/binaries'
import { initCluster, startServer } from '../../../pgserver/cluster'
import type { ConnectOptions } from '../../../postgres/connect/connect-options'
import { connect, type Session } from '../../../postgres/connect/session'

const PASSWORD = 'secret'

export interface TestDatabase {
  readonly options: ConnectOptions
  /** As the master role; closed with the server. */
  connect(applicationName?: string): Promise<Session>
  connectAsSuperuser(): Promise<Session>
}

export interface TestServer {
  readonly host: string
  readonly port: number
  database(): Promise<TestDatabase>
  /** Stops all its processes, and lets them go on. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

/** What a server is told by its machine, and by no setting. The folder is the server's own, and removed with it. */
export type EnvironmentIn = (folder: string) => Readonly<Record<string, string>>

/** `more`: settings on top of those that every test has. */
export async function startTestServer(
  major: PostgresMajor,
  more: Readonly<Record<string, string>> = {},
  environment?: EnvironmentIn,
): Promise<TestServer> {
  const folder = await mkdtemp(path.join(tmpdir(), `capstan-postgres-${major}-`))
  await chmod(folder, 0o755)
  const binaries = await ensureBinaries({ major, cacheDir: cacheDir() })
  const dataDir = path.join(folder, 'data')
  await initCluster({ binaries, dataDir, superuser: 'postgres', password: PASSWORD })
  const port = await freePort()
  const server = await startServer({
    binaries: environment === undefined ? binaries : await telling(environment(folder), binaries, folder),
    dataDir,
    hosts: ['127.0.0.1'],
    port,
    logFile: path.join(folder, 'server.log'),
    settings: { fsync: 'off', wal_level: 'logical', max_worker_processes: '8', ...more },
  })
  const sessions: Session[] = []
  const open = async (options: ConnectOptions) => {
    const session = await connect(options)
    sessions.push(session)
    return session
  }
  const base = { host: '127.0.0.1', port, password: PASSWORD, applicationName: 'test', connectTimeoutMs: 30_000 }
  const admin = await open({ ...base, user: 'postgres', database: 'postgres' })
  await admin.execute(
    `CREATE ROLE master LOGIN CREATEDB CREATEROLE PASSWORD '${PASSWORD}'; GRANT pg_monitor, pg_signal_backend TO master`,
  )
  let count = 0
  return {
    host: '127.0.0.1',
    port,
    async database() {
      const database = `test_${++count}`
      // without fsync, copying files costs half of what copying pages through the log does
      await admin.execute(`CREATE DATABASE ${database} OWNER master STRATEGY file_copy`)
      const options = { ...base, user: 'master', database }
      const superuser = await open({ ...options, user: 'postgres' })
      await superuser.execute('GRANT ALL ON SCHEMA public TO master')
      return {
        options,
        connect: (applicationName = 'test') => open({ ...options, applicationName }),
        connectAsSuperuser: async () => superuser,
      }
    },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    async stop() {
      await Promise.all(sessions.map((session) => session.close()))
      await server.stop('immediate')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Nothing of whoever starts a server gets into its environment: so it is a program of its own that is started. */
async function telling(
  environment: Readonly<Record<string, string>>,
  binaries: PostgresBinaries,
  folder: string,
): Promise<PostgresBinaries> {
  const binDir = path.join(folder, 'bin')
  const words = Object.entries(environment).map(([name, value]) => `${name}='${value}'`)
  await mkdir(binDir)
  await writeFile(path.join(binDir, 'postgres'), `#!/bin/sh\nexec env ${words.join(' ')} '${binaries.binDir}/postgres' "$@"\n`)
  await chmod(path.join(binDir, 'postgres'), 0o755)
  return { ...binaries, binDir }
}

export function cacheDir(): string {
  const home = process.env.XDG_CACHE_HOME ?? (process.getuid?.() === 0 ? '/var/cache' : path.join(homedir(), '.cache'))
  return path.join(home, 'capstan')
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
