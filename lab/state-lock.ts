/** One lab per state folder. */
import { join } from 'node:path'
import { tryLock } from '../pgserver/lock-file'

export interface StateLock {
  release(): void
}

/** @throws Error naming the holder when a living lab has this folder. */
export function lockState(folder: string): StateLock {
  const lock = tryLock(join(folder, 'lab.lock'), 'lab')
  if (lock.taken) return lock
  throw new Error(
    `Another lab (pid ${lock.owner.pid}) is using ${folder}. Stop it first, or give this lab another --state folder.`,
  )
}
