/** A lock file with its owner's identity inside. Taken atomically with its content; a dead owner's lock is moved aside before
 *  it is removed, so that of two processes which both see it dead only one takes it over. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { identify, isAlive, type ProcessIdentity } from './process-identity'

export interface LockOwner extends ProcessIdentity {
  /** What the owner is doing, such as `start` or `sweep`. */
  readonly purpose: string
}

export type LockAttempt = { readonly taken: true; release(): void } | { readonly taken: false; readonly owner: LockOwner }

/** Takes the lock, or says who holds it. */
export function tryLock(file: string, purpose: string): LockAttempt {
  const me = identify(process.pid)
  if (me === null) throw new Error('this process has no identity')
  const mine = `${file}.${process.pid}`
  writeFileSync(mine, JSON.stringify({ ...me, purpose }), { mode: 0o600 })
  try {
    for (;;) {
      if (linked(mine, file)) return { taken: true, release: () => rmSync(file, { force: true }) }
      const owner = readLock(file)
      if (owner !== null && isAlive(owner)) return { taken: false, owner }
      removeDead(file)
    }
  } finally {
    rmSync(mine, { force: true })
  }
}

/** Waits for the lock while its owner's purpose is one of `waitFor`, at most `timeoutMs`. */
export async function lockWithin(
  file: string,
  purpose: string,
  waitFor: readonly string[],
  timeoutMs: number,
): Promise<LockAttempt> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const attempt = tryLock(file, purpose)
    if (attempt.taken || !waitFor.includes(attempt.owner.purpose) || Date.now() > deadline) return attempt
    await sleep(20)
  }
}

/** The living owner, or null. */
export function lockOwner(file: string): LockOwner | null {
  const owner = readLock(file)
  return owner !== null && isAlive(owner) ? owner : null
}

function readLock(file: string): LockOwner | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as LockOwner
  } catch {
    return null
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function removeDead(file: string): void {
  const aside = `${file}.dead.${process.pid}`
  try {
    renameSync(file, aside)
  } catch {
    return
  }
  const moved = readLock(aside)
  // Somebody may have taken the lock between our look and our move: theirs goes back.
  if (moved !== null && isAlive(moved)) linked(aside, file)
  rmSync(aside, { force: true })
}
