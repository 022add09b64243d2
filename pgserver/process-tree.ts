/** A process and those that it started itself. PostgreSQL's processes are sessions of their own, so a signal to the postmaster's group
 *  would miss them. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export function childrenOf(pid: number): number[] {
  const parents = process.platform === 'linux' ? parentsOnLinux() : parentsElsewhere()
  return parents.filter(([, parent]) => parent === pid).map(([child]) => child)
}

/** Whether a process was stopped by a signal and not continued. */
export function isStopped(pid: number): boolean {
  if (process.platform === 'linux') return statOf(pid)?.[0] === 'T'
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
    const fields = /^\d+$/.test(name) ? statOf(Number(name)) : undefined
    return fields ? [[Number(name), Number(fields[1])]] : []
  })
}

function parentsElsewhere(): [number, number][] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  return lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
}

/** The fields of proc(5) from the state on; the name before it may hold spaces and brackets. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}
