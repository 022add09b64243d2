/** The file that poolers include, written by the worker: below the one folder that its operator has named for that, whole or not at all, and with the
 *  owner and the mode that it had, since the poolers have to read it.
 *
 *  The folder is a shared disk, where any call may hang for minutes, and its attempt be overtaken meanwhile. So the last two things before the new text
 *  takes the place of the old are the question whether this attempt may still act, and a second look at the old text; and whoever comes later takes the
 *  unfinished file of an attempt away (`settle`) before it looks: that attempt has nothing left to put in place. */
import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { access, type FileHandle, lstat, open, readdir, readFile, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { type HostPort, samePlace } from '../../../contracts/endpoint'
import { type Failure, failure } from '../../../contracts/failures'
import { printable } from '../../../postgres/printable'
import { changing } from '../../act'
import { drifted, type EndpointPort } from '../port'
import { retargeted, targetOf, type UnfitTarget } from './target-text'

interface TargetFile {
  /** Of the worker's configuration; undefined: it writes none. */
  readonly folder: string | undefined
  readonly file: string
  readonly database: string
}

/** A byte is a character: whatever encoding its comments have, they stay. */
const BYTES = 'latin1'
/** Longer ones are no file of one database. */
const BYTES_MAX = 65_536
const SETGID = 0o2000

export function targetFile({
  folder,
  file,
  database,
}: TargetFile): Pick<EndpointPort, 'whereTo' | 'assertMovable' | 'move' | 'settle'> {
  const refuse = refusalOf(file)
  const found = async () => {
    const path = await pathBelow(folder, file)
    const about = await lstat(path)
    if (about.size > BYTES_MAX) throw refuse('is longer than the file of one database')
    return { path, about, text: await readFile(path, BYTES) }
  }
  const orRefuse = <Value extends object | string>(read: Value | UnfitTarget): Value => {
    if (typeof read === 'object' && 'unfit' in read) throw refuse(read.unfit)
    return read
  }
  return {
    whereTo: async () => orRefuse<HostPort>(targetOf((await found()).text, database)),
    async assertMovable(next) {
      const { path, about, text } = await found()
      if (next !== null) orRefuse<string>(retargeted(text, database, next))
      await assertReplaceable({ path, about, refuse })
    },
    async settle() {
      const path = await pathBelow(folder, file)
      const left = (await readdir(dirname(path))).filter((entry) => entry.startsWith(unfinishedOf(path)))
      await Promise.all(left.map((entry) => unlink(join(dirname(path), entry)).catch(() => undefined)))
    },
    async move({ from, to }) {
      const { path, about, text } = await found()
      const at = orRefuse<HostPort>(targetOf(text, database))
      if (samePlace(at, to)) return
      if (!samePlace(at, from)) throw drifted(at, { from, to })
      const wanted = orRefuse<string>(retargeted(text, database, to))
      const mayReplace = async () => {
        await changing().mayChange()
        if ((await found()).text !== text)
          throw failure('ENDPOINT_UNREACHABLE', `${shown(file)} was changed while it was being moved; it is looked at once more.`)
      }
      await replaceFile({ path, about, text: wanted, refuse, mayReplace })
    },
  }
}

type Refuse = (why: string, cause?: unknown) => Failure

function refusalOf(file: string): Refuse {
  return (why, cause) => failure('ENDPOINT_REFUSED', `${shown(file)} ${why}.`, { file: printable(file) }, { cause })
}

function shown(file: string): string {
  return `The file ${printable(file)} of the endpoint`
}

/** What would be found out behind the fence otherwise, when nobody is served: a worker that may read it and not replace it. */
async function assertReplaceable({ path, about, refuse }: Pick<Replacing, 'path' | 'about' | 'refuse'>): Promise<void> {
  const user = process.geteuid?.() ?? about.uid
  if (user !== 0 && user !== about.uid) {
    throw refuse(
      `belongs to the user ${about.uid} and this worker runs as ${user}: it has to keep its owner, so let the worker be that one`,
    )
  }
  await access(dirname(path), constants.W_OK | constants.X_OK).catch((cause: unknown) => {
    throw refuse('is in a folder that this worker cannot write to, and it is replaced by a file beside it', cause)
  })
  const beside = await stat(dirname(path))
  // a file that is made in such a folder has the folder's group
  const inherits = (beside.mode & SETGID) !== 0 && beside.gid === about.gid
  const groups = [process.getegid?.() ?? about.gid, ...(process.getgroups?.() ?? [])]
  if (user === 0 || inherits || groups.includes(about.gid)) return
  throw refuse(`belongs to the group ${about.gid}, of which this worker is no member: it has to keep its group`)
}

/** Links are followed up to the file itself, and what counts is where that is; the file may be no link, since it would be replaced by a file. */
async function pathBelow(folder: string | undefined, file: string): Promise<string> {
  const refuse = refusalOf(file)
  if (folder === undefined) throw refuse('is written by no worker without the setting CAPSTAN_PGBOUNCER_FILES')
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/.test(file)) throw refuse('is no path below a folder')
  const root = await realpath(folder).catch(() => null)
  if (root === null) throw refuse('cannot be looked for: the folder CAPSTAN_PGBOUNCER_FILES of this worker is not there')
  const parent = await realpath(dirname(join(root, file))).catch(() => null)
  if (parent === null) throw refuse('is not in the folder CAPSTAN_PGBOUNCER_FILES of this worker')
  if (parent !== root && !parent.startsWith(root.endsWith(sep) ? root : root + sep))
    throw refuse('leads out of the folder CAPSTAN_PGBOUNCER_FILES')
  const path = join(parent, basename(file))
  const about = await lstat(path).catch(() => null)
  if (about === null) {
    throw refuse('is not there; write it once, with [databases] and the line of the database, and let each pooler %include it')
  }
  if (about.isSymbolicLink()) throw refuse('is a link; name the file that it leads to')
  if (!about.isFile()) throw refuse('is no file')
  return path
}

interface Replacing {
  readonly path: string
  readonly about: Stats
  readonly text: string
  readonly refuse: Refuse
  /** Rejects when it must not be put in place any more. */
  readonly mayReplace: () => Promise<void>
}

const AT_ONCE = 'Another attempt moves the endpoint at the same time; it is looked at once more.'

/** How the names of files begin that have not taken the place of `path` yet. */
function unfinishedOf(path: string): string {
  return `.${basename(path)}.capstan-`
}

/** Whoever reads it meets the old text or the new one, after a loss of power too. */
async function replaceFile({ path, about, text, refuse, mayReplace }: Replacing): Promise<void> {
  const folder = dirname(path)
  const fresh = join(folder, unfinishedOf(path) + randomUUID())
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const fail = (cause: NodeJS.ErrnoException) => {
    // taken away by another attempt
    if (cause.code === 'ENOENT') throw failure('ENDPOINT_UNREACHABLE', AT_ONCE, {}, { cause })
    throw refuse('cannot be written with the owner and the mode that it has; check what this worker may do there', cause)
  }
  const put = async () => {
    await written(fresh, flags, async (file) => {
      await file.writeFile(text, BYTES)
      const own = await file.stat()
      if (own.uid !== about.uid || own.gid !== about.gid) await file.chown(about.uid, about.gid)
      await file.chmod(about.mode & 0o7777)
      await file.sync()
    })
  }
  try {
    await put().catch(fail)
    await mayReplace()
    await rename(fresh, path).catch(fail)
  } catch (error) {
    await unlink(fresh).catch(() => undefined)
    throw error
  }
  await written(folder, constants.O_RDONLY, (file) => file.sync())
}

async function written(path: string, flags: number, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags, 0o600)
  try {
    await work(file)
  } finally {
    await file.close()
  }
}
