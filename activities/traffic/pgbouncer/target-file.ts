/** The file that poolers include, written by the worker: below the one folder that its operator has named for that, whole or not at all, and with the
 *  owner and the mode that it had, since the poolers have to read it. */
import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, readdir, readFile, realpath, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import type { HostPort } from '../../../contracts/endpoint'
import { type Failure, failure } from '../../../contracts/failures'
import { printable } from '../../../postgres/printable'
import type { EndpointPort } from '../port'
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

export function targetFile({ folder, file, database }: TargetFile): Pick<EndpointPort, 'whereTo' | 'move'> {
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
    async move({ to }) {
      const { path, about, text } = await found()
      const wanted = orRefuse<string>(retargeted(text, database, to))
      if (wanted !== text) await replaceFile({ path, about, text: wanted, refuse })
    },
  }
}

type Refuse = (why: string, cause?: unknown) => Failure

function refusalOf(file: string): Refuse {
  return (why, cause) =>
    failure('ENDPOINT_REFUSED', `The file ${printable(file)} of the endpoint ${why}.`, { file: printable(file) }, { cause })
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
}

/** Whoever reads it meets the old text or the new one, after a loss of power too. */
async function replaceFile({ path, about, text, refuse }: Replacing): Promise<void> {
  const [folder, name] = [dirname(path), basename(path)]
  const mine = `.${name}.capstan-`
  // what a worker left that was killed in here. One that still runs finds its own gone, and replaces nothing
  const left = (await readdir(folder)).filter((entry) => entry.startsWith(mine))
  await Promise.all(left.map((entry) => unlink(join(folder, entry)).catch(() => undefined)))
  const fresh = join(folder, mine + randomUUID())
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  try {
    await written(fresh, flags, async (file) => {
      await file.writeFile(text, BYTES)
      const own = await file.stat()
      if (own.uid !== about.uid || own.gid !== about.gid) await file.chown(about.uid, about.gid)
      await file.chmod(about.mode & 0o7777)
      await file.sync()
    })
    await rename(fresh, path)
  } catch (cause) {
    await unlink(fresh).catch(() => undefined)
    throw refuse('cannot be written with the owner and the mode that it has; check what this worker may do there', cause)
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
