/** What a server takes of the machine's memory. */
import { readFileSync } from 'node:fs'
import { childrenOf } from './process-tree'

/** Of a process and those that it started, in bytes; a page that several share counts to each with its share (PSS: Linux, proc(5),
 *  smaps_rollup). Null where the system does not say. */
export function memoryOf(pid: number): number | null {
  if (process.platform !== 'linux') return null
  const shares = [pid, ...childrenOf(pid)].map(shareOf)
  const [own] = shares
  return own === null || own === undefined ? null : shares.reduce<number>((sum, share) => sum + (share ?? 0), 0)
}

/** Null for one that ended meanwhile. */
function shareOf(pid: number): number | null {
  try {
    const [, kib] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? []
    return kib === undefined ? null : Number(kib) * 1024
  } catch {
    return null
  }
}
