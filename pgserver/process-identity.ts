/** Who a process is: its number alone may belong to somebody else after a crash, so the time it started goes with it. */
import { execFileSync } from 'node:child_process'
import { readProcessStat } from './process-stat'

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

function startedOnLinux(pid: number): string | null {
  const stat = readProcessStat(pid)
  return stat === null || stat.state === 'Z' ? null : stat.started
}

function startedElsewhere(pid: number): string | null {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null
  } catch {
    return null
  }
}
