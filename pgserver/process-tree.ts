/** A process and those that it started itself. PostgreSQL's processes are sessions of their own, so a signal to the postmaster's group
 *  would miss them. */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { readProcessStat } from './process-stat'

export function childrenOf(pid: number): number[] {
  return childrenOfEach([pid]).get(pid) ?? []
}

export function childrenOfEach(pids: readonly number[]): Map<number, number[]> {
  const children = new Map(pids.map((pid): [number, number[]] => [pid, []]))
  for (const [child, parent] of process.platform === 'linux' ? parentsOnLinux() : parentsElsewhere()) {
    children.get(parent)?.push(child)
  }
  return children
}

/** Whether a process was stopped by a signal and not continued. */
export function isStopped(pid: number): boolean {
  if (process.platform === 'linux') return readProcessStat(pid)?.state === 'T'
  try {
    return execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('T')
  } catch {
    return false
  }
}

/** Signals a process, if it is still there. */
export function signalIfThere(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function parentsOnLinux(): [number, number][] {
  return readdirSync('/proc').flatMap((name): [number, number][] => {
    const stat = /^\d+$/.test(name) ? readProcessStat(Number(name)) : null
    return stat ? [[Number(name), stat.parent]] : []
  })
}

function parentsElsewhere(): [number, number][] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  return lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
}
