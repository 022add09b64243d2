/** A shell that waits at the other end of a pipe. If we vanish without a word (kill -9, out of memory) the pipe closes and it
 *  becomes a sweep: nothing that we started outlives us for more than a moment. It costs one megabyte, not a Node process. */
import { spawn } from 'node:child_process'

export interface Guardian {
  /** Everything was stopped in order: there is nothing to sweep. */
  dismiss(): void
}

const WAIT_THEN_SWEEP = 'read -r word; test "$word" = done || exec "$@"'

export function postGuardian(command: readonly string[], env: Readonly<NodeJS.ProcessEnv>): Guardian {
  const child = spawn('/bin/sh', ['-c', WAIT_THEN_SWEEP, 'guardian', ...command], {
    detached: true,
    env,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.unref()
  // The pipe must not keep our process alive, nor break it when the shell is gone.
  child.stdin.on('error', () => undefined)
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref()
  return { dismiss: () => child.stdin.end('done\n') }
}
