/** Copies a data folder: as it is, or one that a server is writing to. From that, what vanishes meanwhile was never part of the backup, and
 *  what is torn is mended by the log; otherwise whatever vanishes is missing. Blocks are shared where the file system can. What is in the copy belongs to the server's user,
 *  who may be hostile while we are root: only files and folders of its own are copied, and never through a link. */
import { execFile } from 'node:child_process'
import { closeSync, constants, copyFileSync, type Dirent, existsSync, fstatSync } from 'node:fs'
import { chmod, copyFile, mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { giveToServer } from '../../pgserver/reach'
import { openServerFile, openServerFolder, pathOfOpen } from '../../pgserver/server-files'
import { type ServerUser, serverUser } from '../../pgserver/server-user'

/** A data folder has over a thousand files of a few pages. For these the way through the thread pool costs more than the copy,
 *  so they are copied here and now, with a breath for everybody else after each few milliseconds. */
const SMALL_BYTES = 128 * 1024
const BREATH_AFTER_MS = 8

const ANEW = constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL

/** What to do with an entry, by its path relative to the copied folder. `empty`: the folder without its content. */
export type CopyChoice = 'copy' | 'skip' | 'empty'

/** Makes `to`, which stays ours, closed to the server's user, so that nobody meddles while it is filled: the caller hands it
 *  over. `alive`: a server is writing to it. @throws when the target exists, when there is anything but files and folders, when something
 *  vanishes although no server is writing, or the signal is aborted. */
export async function copyFolder(
  from: string,
  to: string,
  options: { choose?: (path: string) => CopyChoice; alive?: boolean; signal: AbortSignal },
): Promise<void> {
  const choose = options.choose ?? (() => 'copy')
  const user = serverUser()
  const files: string[] = []
  const walk = async (path: string): Promise<void> => {
    options.signal.throwIfAborted()
    await makeFolder(join(to, path))
    if (path !== '') giveToServer(join(to, path), user)
    for (const entry of await entriesOf(join(from, path), user, options.alive)) {
      const inside = path === '' ? entry.name : `${path}/${entry.name}`
      const choice = choose(inside)
      if (choice === 'skip') continue
      if (entry.isFile()) files.push(inside)
      else if (!entry.isDirectory()) throw new Error(`${join(from, inside)} is neither a file nor a folder: it is not copied.`)
      else if (choice === 'copy') await walk(inside)
      else await makeFolder(join(to, inside)).then(() => giveToServer(join(to, inside), user))
    }
  }
  await walk('')
  let breathed = performance.now()
  for (const path of files) {
    const copied = await copyOne(join(from, path), join(to, path), user)
    if (!copied && !options.alive) throw new Error(`${join(from, path)} vanished while it was being copied.`)
    if (performance.now() - breathed < BREATH_AFTER_MS) continue
    await nextTurn()
    options.signal.throwIfAborted()
    breathed = performance.now()
  }
}

/** Copies one file for the server's user, to a place that nobody else can reach. A file that is not there any more is left out. */
export async function copyOne(from: string, to: string, user: ServerUser = serverUser()): Promise<boolean> {
  try {
    await copyOpened(from, to, user)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !existsSync(from)) return false
    throw error
  }
  giveToServer(to, user)
  return true
}

async function copyOpened(from: string, to: string, user: ServerUser): Promise<void> {
  const file = openServerFile(from, user)
  try {
    if (fstatSync(file).size <= SMALL_BYTES) copyFileSync(pathOfOpen(file, from), to, ANEW)
    else await copyFile(pathOfOpen(file, from), to, ANEW)
  } finally {
    closeSync(file)
  }
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

async function entriesOf(path: string, user: ServerUser, alive = false): Promise<Dirent[]> {
  let folder: number
  try {
    folder = openServerFolder(path, user)
  } catch (error) {
    if (alive && (error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return await readdir(pathOfOpen(folder, path), { withFileTypes: true }).finally(() => closeSync(folder))
}

/** The umask could close it to its owner: the mode is set explicitly. */
async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 })
  await chmod(path, 0o700)
}
