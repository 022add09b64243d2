/** Starts the stack and tells about it in the same words wherever it is started. */
import type { EmbeddedConfig } from '../config'
import { type Stack, startStack } from '../stack'
import type { Console } from '../story/console'
import type { Interrupt } from './interrupt'

/** Null when it was interrupted while starting; everything is stopped then. */
export async function welcome(console: Console, config: EmbeddedConfig, interrupt: Interrupt): Promise<Stack | null> {
  console.working('starting Temporal, the ledger and the lab')
  const stack = await startStack(config, {
    progress: (doing) => console.working(doing),
    restart: ({ name, state, pid }) => {
      if (name === 'worker' && state !== 'failed') return
      console.aside(state === 'died' ? `${name} (pid ${pid}) died; starting it again` : `${name} ${state}`)
    },
  }).finally(() => console.rest())
  if (!interrupt.signal.aborted) return stack
  await stack.stop()
  return null
}

export function whatRuns(stack: Stack): string {
  return `✔ Temporal · PostgreSQL 15 · lab RDS (simulated API, real database) · ledger · worker pid ${stack.worker.pid()}`
}
