/** A Temporal dev server of its own for one test file, on a free port, in memory unless it is told where to keep what it knows. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { SEARCH_ATTRIBUTES } from '../../contracts/messages'
import { readConfig } from '../../embedded/config'
import { findTemporal } from '../../embedded/temporal/find'
import { temporalSearch } from '../../embedded/temporal/search'
import { answers } from '../../embedded/temporal/server'
import { freePort } from '../ledger/postgres-server'

export interface TestTemporal {
  readonly address: string
  stop(): Promise<void>
}

/** What a server that comes back needs to be the same one. */
export interface Kept {
  readonly databaseFile: string
  readonly port: number
}

export async function startTestTemporal(kept?: Kept): Promise<TestTemporal> {
  const source = await findTemporal({ ...temporalSearch(readConfig(), () => undefined), address: null })
  if (source.kind === 'server') throw new Error('a server of our own was wanted')
  const port = kept?.port ?? (await freePort())
  const attributes = Object.values(SEARCH_ATTRIBUTES).flatMap((name) => ['--search-attribute', `${name}=Keyword`])
  const where = ['--headless', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'never']
  if (kept !== undefined) where.push('--db-filename', kept.databaseFile)
  const server = spawn(source.path, ['server', 'start-dev', ...where, ...attributes], { stdio: 'ignore' })
  const address = `127.0.0.1:${port}`
  while (!(await answers(address, 'default'))) {
    if (server.exitCode !== null) throw new Error(`the dev server ended with ${server.exitCode}`)
    await sleep(100)
  }
  return {
    address,
    async stop() {
      const gone = once(server, 'exit')
      server.kill('SIGTERM')
      await gone
    },
  }
}
