/** Deletes data folders and what lies beside them. As root, what belongs to the server's user is deleted as that user: it could
 *  put a link in the way of a walk, and what root deletes through it would be anybody's. Patient: an initdb that outlived its
 *  lab may be filling the folder meanwhile. */
import { execFile } from 'node:child_process'
import { lstat, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const ATTEMPTS = 30
const PAUSE_MS = 100

/** Deletes `<folder>/data` and the rest of `folder`. Safe to repeat. */
export async function removeFolder(folder: string): Promise<void> {
  await removeData(join(folder, 'data'))
  await removeOurs(folder)
}

/** The same, under another name from the first moment on: whoever reads from it meanwhile finds nothing more, not a part of it. */
export async function removeAtOnce(folder: string): Promise<void> {
  const going = `${folder}.removed`
  // of an earlier attempt
  await removeFolder(going)
  await rename(folder, going).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  await removeFolder(going)
}

/** Deletes a data folder, which lies in a folder of ours. Safe to repeat. */
export async function removeData(dataDir: string): Promise<void> {
  const { uid = 0, gid = 0 } = (await ownerOf(dataDir)) ?? {}
  // ours alone as long as it was not handed over
  if (uid === process.getuid?.() || uid === 0) return removeOurs(dataDir)
  for (let attempt = 1; ; attempt++) {
    // it empties the folder and fails, since the folder's own place is ours
    await promisify(execFile)('rm', ['-rf', '--', dataDir], { uid, gid, cwd: '/', env: rmEnvironment() }).catch(() => {})
    try {
      return await rmdir(dataDir)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY' || attempt === ATTEMPTS) throw error
    }
    await sleep(PAUSE_MS)
  }
}

async function removeOurs(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: ATTEMPTS, retryDelay: PAUSE_MS })
}

async function ownerOf(path: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Nothing of ours: whoever runs as that user could read it. */
function rmEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin' }
}
