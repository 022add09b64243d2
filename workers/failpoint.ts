/** Lets a worker kill itself at `<activity>#<n>:<boundary>`, once: `before` the activity's code runs, or `after` its effect but
 *  before the server hears of it. `n` counts this process's calls of the activity from 1. That it has fired is kept in a folder,
 *  so that the worker which takes over does not die at the same place. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { failure } from '../contracts/failures'

export type Boundary = 'before' | 'after'
export type Failpoint = (activity: string, n: number, boundary: Boundary) => void

export function createFailpoint(config: { at: string; firedDir: string } | null): Failpoint {
  if (config === null) return () => undefined
  if (!/^\w+#\d+:(before|after)$/.test(config.at)) {
    throw failure(
      'OPTION_INVALID',
      `CAPSTAN_FAILPOINT is ${config.at}; it has to be <activity>#<n>:before or <activity>#<n>:after.`,
    )
  }
  const marker = join(config.firedDir, encodeURIComponent(config.at))
  return (activity, n, boundary) => {
    if (`${activity}#${n}:${boundary}` !== config.at || existsSync(marker)) return
    mkdirSync(config.firedDir, { recursive: true })
    writeFileSync(marker, String(process.pid))
    process.kill(process.pid, 'SIGKILL')
  }
}
