/** Ending what an embedded default left running, and removing what it left on disk; never while a supervisor is at work. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { failure } from '../contracts/failures'
import { type LockAttempt, lockWithin } from '../pgserver/lock-file'
import type { EmbeddedConfig } from './config'
import { sweep } from './processes/sweep'
import { forgetPointer, withdrawEndpoints } from './state/endpoints'
import { isClaimed } from './state/state-folder'

/** Ends what is left of a supervisor that died. Resolves to null when one is alive: then nothing is left over.
 *  @throws Failure FOLDER_NOT_OURS */
export async function sweepState(config: EmbeddedConfig): Promise<readonly string[] | null> {
  if (!isClaimed(config.folders)) return []
  const lock = await lockForSweep(config)
  if (!lock.taken) return null
  try {
    withdrawEndpoints(config.folders.state)
    return await sweep(config.folders.state)
  } finally {
    lock.release()
  }
}

/** Removes everything this clone has outside its folder, but for the shared cache. Resolves to false when there was nothing.
 *  @throws Failure FOLDER_NOT_OURS, or EMBEDDED_RUNNING while a supervisor is alive. */
export async function wipeState(config: EmbeddedConfig): Promise<boolean> {
  const { state } = config.folders
  if (!isClaimed(config.folders)) return false
  const lock = await lockForSweep(config)
  if (!lock.taken) {
    const message = `The embedded default in ${state} runs, as process ${lock.owner.pid}, and could not be stopped; nothing was removed.`
    throw failure('EMBEDDED_RUNNING', message, { pid: lock.owner.pid })
  }
  try {
    withdrawEndpoints(state)
    await sweep(state)
    rmSync(state, { recursive: true, force: true })
    forgetPointer(config.clone, state)
    return true
  } finally {
    lock.release()
  }
}

function lockForSweep(config: EmbeddedConfig): Promise<LockAttempt> {
  return lockWithin(join(config.folders.state, 'lock'), 'sweep', ['sweep'], 15_000)
}
