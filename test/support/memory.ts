/** What processes take of the machine's memory. */
import { readFileSync } from 'node:fs'
import { childrenOf } from '../../pgserver/process-tree'

/** Of these processes and their children, each counted once, in bytes. A page that several share counts to each with its share (PSS:
 *  Linux, proc(5), smaps_rollup), so that the sum counts it once. Null where the system does not say. */
export function memoryOfAll(pids: readonly number[]): number | null {
  if (process.platform !== 'linux') return null
  const all = new Set(pids.flatMap((pid) => [pid, ...childrenOf(pid)]))
  return [...all].reduce((sum, pid) => sum + shareOf(pid), 0)
}

function shareOf(pid: number): number {
  try {
    const [, kib] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? []
    return Number(kib ?? 0) * 1024
  } catch {
    return 0 // it ended meanwhile
  }
}
