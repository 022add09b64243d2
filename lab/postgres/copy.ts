/** Copies a data folder, also one that a server is writing to: what vanishes meanwhile was never part of the backup, and what
 *  is torn is mended by the log. Blocks are shared where the file system can. The copy belongs to the server's user. */
import { execFile } from 'node:child_process'
import { constants, copyFileSync, statSync } from 'node:fs'
import { chmod, copyFile, mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { giveToServer } from '../../pgserver/reach'
import { type ServerUser, serverUser } from '../../pgserver/server-user'

/** A data folder has over a thousand files of a few pages. For these the way through the thread pool costs more than the copy,
 *  so they are copied here and now, with a breath for everybody else after each few milliseconds. */
const SMALL_BYTES = 128 * 1024
const BREATH_AFTER_MS = 8

/** What to do with an entry, by its path relative to the copied folder. `empty`: the folder without its content. */
export type CopyChoice = 'copy' | 'skip' | 'empty'

/** @throws when the target exists, or the signal is aborted. */
export async function copyFolder(
  from: string,
  to: string,
  options: { choose?: (path: string) => CopyChoice; signal: AbortSignal },
): Promise<void> {
  const choose = options.choose ?? (() => 'copy')
  const user = serverUser()
  const files: string[] = []
  const walk = async (path: string): Promise<void> => {
    options.signal.throwIfAborted()
    await makeFolder(join(to, path), user)
    for (const entry of await entriesOf(join(from, path))) {
      const inside = path === '' ? entry.name : `${path}/${entry.name}`
      const choice = choose(inside)
      if (choice === 'skip') continue
      if (!entry.isDirectory()) files.push(inside)
      else if (choice === 'empty') await makeFolder(join(to, inside), user)
      else await walk(inside)
    }
  }
  await walk('')
  let breathed = performance.now()
  for (const path of files) {
    await copyOne(join(from, path), join(to, path), user)
    if (performance.now() - breathed < BREATH_AFTER_MS) continue
    await nextTurn()
    options.signal.throwIfAborted()
    breathed = performance.now()
  }
}

/** Copies one file for the server's user. A file that is not there any more is left out. */
export async function copyOne(from: string, to: string, user: ServerUser = serverUser()): Promise<boolean> {
  try {
    if (statSync(from).size <= SMALL_BYTES) copyFileSync(from, to, constants.COPYFILE_FICLONE)
    else await copyFile(from, to, constants.COPYFILE_FICLONE)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  giveToServer(to, user)
  return true
}

/** Brings everything below a folder to disk. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'linux') {
    try {
      await promisify(execFile)('sync', ['-f', folder])
      return
    } catch {
      // no such program, or an older one: file by file
    }
  }
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const handle = await open(join(entry.parentPath, entry.name), 'r')
    await handle.sync().finally(() => handle.close())
  }
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function makeFolder(path: string, user: ServerUser): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await chmod(path, 0o700)
  giveToServer(path, user)
}
