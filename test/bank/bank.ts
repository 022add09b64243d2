/** The bank as processes of its own: writers in one, probes and readers in another. What they saw is in their journals when they have ended. */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../support/eventually'
import type { ClientsConfig, FromClients } from './client/main'
import { type Line, type Seen, seenIn } from './history'

export interface Bank {
  /** Resolves when so many more transactions were acknowledged than were when it was called. */
  goesOn(transactions?: number): Promise<void>
  /** Ends all of it; resolves to what was seen. */
  stop(): Promise<Seen>
}

interface Clients {
  acknowledged(): number
  end(): Promise<void>
}

export function startBank(config: Omit<ClientsConfig, 'journal'>): Bank {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bank-'))
  const journals = [join(folder, 'writers'), join(folder, 'probes')] as const
  const writers = startClients({ ...config, journal: journals[0], probes: [], readers: [] })
  const probes = startClients({ ...config, journal: journals[1], writers: [] })
  return {
    async goesOn(transactions = 30) {
      const before = writers.acknowledged()
      await until('the bank to go on', async () => writers.acknowledged() > before + transactions)
    },
    async stop() {
      try {
        await Promise.all([writers.end(), probes.end()])
        return seenIn(journals.flatMap((path) => linesOf(path)))
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  }
}

function linesOf(path: string): Line[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Line)
}

function startClients(config: ClientsConfig): Clients {
  const hook = join(__dirname, 'client/typescript.js')
  const child: ChildProcess = fork(join(__dirname, 'client/main.ts'), [], { execArgv: ['-r', hook] })
  let acknowledged = 0
  child.on('message', (message: FromClients) => {
    if ('acknowledged' in message) acknowledged = message.acknowledged
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  child.send(config)
  return {
    acknowledged: () => acknowledged,
    async end() {
      if (child.connected) child.send('stop')
      const code = await exited
      if (code !== 0) throw new Error(`the bank's clients ended with ${code}`)
    },
  }
}
