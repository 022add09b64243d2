/** A Temporal dev server of its own for one test file, in memory, on a free port. */
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

export async function startTestTemporal(): Promise<TestTemporal> {
  const source = await findTemporal({ ...temporalSearch(readConfig(), () => undefined), address: null })
  if (source.kind === 'server') throw new Error('a server of our own was wanted')
  const port = await freePort()
  const attributes = Object.values(SEARCH_ATTRIBUTES).flatMap((name) => ['--search-attribute', `${name}=Keyword`])
  const where = ['--headless', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'never']
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
