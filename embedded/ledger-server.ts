/** The ledger's PostgreSQL 17: made once, adopted when it survived us, started again when it dies. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { failure } from '../contracts/failures'
import { ensureBinaries } from '../pgserver/binaries'
import { adoptServer, clusterExists, initCluster, type RunningServer, startServer } from '../pgserver/cluster'
import { PostgresServerError } from '../pgserver/failure'
import { makeClosedFolder } from './state/state-folder'

const USER = 'capstan'
const DATABASE = 'ledger'

export interface LedgerServer {
  readonly url: string
  stop(graceMs: number): Promise<void>
}

export interface LedgerPlace {
  readonly stateDir: string
  readonly cacheDir: string
  readonly logDir: string
  readonly port: number
  readonly password: string
}

/** @throws Failure EMBEDDED_START_FAILED */
export async function startLedgerServer(place: LedgerPlace): Promise<LedgerServer> {
  try {
    const start = await prepareCluster(place)
    let server = await start()
    let stopping = false
    const watch = async (): Promise<void> => {
      for (;;) {
        await server.exited
        if (stopping) return
        const next = await start().catch(() => null)
        if (next !== null) server = next
        else await sleep(500)
      }
    }
    void watch()
    const at = (database: string): string => `postgres://${USER}:${place.password}@127.0.0.1:${server.port}/${database}`
    await ensureDatabase(at('postgres'))
    const stop = async (graceMs: number): Promise<void> => {
      stopping = true
      await server.stop('fast', graceMs)
    }
    return { url: at(DATABASE), stop }
  } catch (error) {
    if (error instanceof PostgresServerError) throw failure('EMBEDDED_START_FAILED', error.message, {}, { cause: error })
    throw error
  }
}

async function prepareCluster(place: LedgerPlace): Promise<() => Promise<RunningServer>> {
  const binaries = await ensureBinaries({ major: 17, cacheDir: place.cacheDir })
  const folder = join(place.stateDir, 'ledger')
  const dataDir = join(folder, 'data')
  makeClosedFolder(folder)
  const left = await adoptServer({ dataDir })
  await left?.stop('fast')
  if (!clusterExists(dataDir)) await initCluster({ binaries, dataDir, superuser: USER, password: place.password })
  const logFile = join(place.logDir, 'ledger.log')
  return () => startServer({ binaries, dataDir, hosts: ['127.0.0.1'], port: place.port, logFile })
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE])
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`)
  } finally {
    await client.end()
  }
}
