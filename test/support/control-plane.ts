/** A control plane that is gone and may come back: its processes stand still, each by its own number, so that what it was about to do it does later. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CapstanStack } from './capstan-stack'

/** The worker, Temporal, and the ledger with all its backends. Resolves to what lets them go on. */
export function freezeControlPlane({ stack, dir }: CapstanStack): () => void {
  const ledger = Number(readFileSync(join(dir, 'state', 'ledger', 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
  const pids: number[] = []
  const stop = (pid: number | null | undefined): void => {
    try {
      if (typeof pid === 'number' && process.kill(pid, 'SIGSTOP')) pids.push(pid)
    } catch {
      // it ended meanwhile
    }
  }
  for (const pid of [stack.worker.pid(), stack.temporalServer?.pid(), ledger]) stop(pid)
  // by now the postmaster makes no more of them
  for (const pid of childrenOf(ledger)) stop(pid)
  return () => {
    for (const pid of pids.reverse()) {
      try {
        process.kill(pid, 'SIGCONT')
      } catch {
        // it ended meanwhile
      }
    }
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent)
}

/** Behind the last bracket of /proc/<pid>/stat: the state, then the parent. */
function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return null
  }
}
