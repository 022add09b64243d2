/** A process of clients of the bank. It is told by a message whom to be, tells how far it is, and ends when it is told so, or when nobody is there any more. */

import type { Login } from './connection'
import { Journal } from './journal'
import { type ProbeConfig, probe, read } from './probe'
import { type WriterConfig, write } from './writer'

export interface ClientsConfig {
  readonly journal: string
  readonly writers: readonly WriterConfig[]
  readonly probes: readonly ProbeConfig[]
  readonly readers: readonly Login[]
}

export type FromClients = { readonly acknowledged: number } | { readonly ended: true }

const TELL_EVERY_MS = 25

async function run({ journal: path, writers, probes, readers }: ClientsConfig): Promise<void> {
  const journal = await Journal.open(path)
  let over = false
  const stopped = () => over
  process.once('disconnect', () => (over = true))
  process.on('message', () => (over = true))
  const telling = setInterval(() => tell({ acknowledged: journal.acknowledged }), TELL_EVERY_MS)
  await Promise.all([
    ...writers.map((one) => write(one, journal, stopped)),
    ...probes.map((one) => probe(one, journal, stopped)),
    ...readers.map((one) => read(one, journal, stopped)),
  ])
  clearInterval(telling)
  await journal.close()
  tell({ ended: true })
  if (process.connected) process.disconnect()
}

function tell(message: FromClients): void {
  if (process.connected) process.send?.(message)
}

process.once('message', (config) => {
  run(config as ClientsConfig).catch((error: unknown) => {
    process.stderr.write(`the bank's clients: ${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(70)
  })
})
