/** Lets a worker kill itself at `<activity>#<n>:<boundary>`: `before` the activity's code runs, or `after` its effect but before the server
 *  hears of it. `n` counts this process's calls of the activity for one operation, from 1. A failpoint is armed by a file of that name in
 *  the folder CAPSTAN_FAILPOINTS, and reaching it removes the file first: whoever takes over does not die at the same place. */
import { unlinkSync } from 'node:fs'
import { join } from 'node:path'

export type Boundary = 'before' | 'after'
export type Failpoint = (activity: string, n: number, boundary: Boundary) => void

export function createFailpoint(folder: string | null): Failpoint | null {
  if (folder === null) return null
  return (activity, n, boundary) => {
    if (!disarm(join(folder, `${activity}#${n}:${boundary}`))) return
    process.kill(process.pid, 'SIGKILL')
  }
}

function disarm(file: string): boolean {
  try {
    unlinkSync(file)
    return true
  } catch {
    return false
  }
}
