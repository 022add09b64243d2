/** Finds what a test may have left running. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** The ids of all processes whose command line holds `text`. */
export function processesNaming(text: string): number[] {
  return commandLines().flatMap(([pid, command]) => (command.includes(text) ? [pid] : []))
}

function commandLines(): [pid: number, command: string][] {
  // a minimal Linux has no ps, macOS has no /proc
  if (!existsSync('/proc/self/cmdline')) {
    const lines = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,command='], { encoding: 'utf8' }).trim().split('\n')
    return lines.map((line) => [Number.parseInt(line, 10), line])
  }
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map((pid) => [Number(pid), commandLine(pid)])
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return '' // it ended meanwhile
  }
}
