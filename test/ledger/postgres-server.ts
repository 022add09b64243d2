/** A PostgreSQL 17 server of its own for one test file, on a free port, with a fresh database for whoever asks. */
import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { readConfig } from '../../embedded/config'
import { ensureBinaries } from '../../pgserver/binaries'
import { initCluster, startServer } from '../../pgserver/cluster'

export interface TestServer {
  readonly port: number
  /** URL of a new, empty database. */
  freshDatabase(): Promise<string>
  stop(): Promise<void>
}

export async function startTestServer(): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-ledger-'))
  chmodSync(folder, 0o711) // mkdtemp closes it, and PostgreSQL may run as another user
  const binaries = await ensureBinaries({ major: 17, cacheDir: readConfig().folders.cache })
  const password = randomUUID()
  const cluster = { binaries, dataDir: join(folder, 'data'), superuser: 'ledger', password }
  await initCluster(cluster)
  const port = await freePort()
  const start = { binaries, dataDir: cluster.dataDir, hosts: ['127.0.0.1'], port, logFile: join(folder, 'server.log') }
  const server = await startServer(start)
  const urlOf = (database: string): string => `postgres://ledger:${password}@127.0.0.1:${port}/${database}`
  return {
    port,
    async freshDatabase() {
      const name = `t_${randomUUID().replaceAll('-', '')}`
      await query(urlOf('postgres'), `CREATE DATABASE ${name}`)
      return urlOf(name)
    },
    async stop() {
      await server.stop('fast')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  await new Promise((done) => server.close(done))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
