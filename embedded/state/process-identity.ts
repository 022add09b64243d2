/** Who a process is: its number alone may belong to somebody else after a crash, so the time it started goes with it. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface ProcessIdentity {
  readonly pid: number
  /** Opaque: equal for the same process and no other. */
  readonly started: string
}

/** Null when there is no such process, or only a zombie. */
export function identify(pid: number): ProcessIdentity | null {
  const started = process.platform === 'linux' ? startedOnLinux(pid) : startedElsewhere(pid)
  return started === null ? null : { pid, started }
}

export function isAlive(who: ProcessIdentity): boolean {
  return identify(who.pid)?.started === who.started
}

/** Start time in clock ticks since boot, field 22 of /proc/<pid>/stat; the name before it may hold spaces and brackets. */
function startedOnLinux(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}

function startedElsewhere(pid: number): string | null {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null
  } catch {
    return null
  }
}
