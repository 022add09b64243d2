/** Files inside folders that belong to the server's user. As root we work there with more rights than the folder's owner has,
 *  who could put a link or a pipe wherever we look: what we make is new, and what we read is checked once it is open. */
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { ServerUser } from './server-user'

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants

/** Makes a file that was not there, mode 0600, on disk when this returns, its name as well. Never writes through a link. */
export function createFile(path: string, content: string | Buffer, user: ServerUser): void {
  writeNew(path, content, user)
  syncFolderOf(path)
}

/** Brings the names in a file's folder to disk. */
export function syncFolderOf(path: string): void {
  const folder = openSync(dirname(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function writeNew(path: string, content: string | Buffer, user: ServerUser): void {
  const file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    if (user.steppedDown) fchownSync(file, user.uid, user.gid)
    const bytes = Buffer.from(content)
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Replaces a file of the server's: a crash leaves the old one or the new one, never half of it. */
export function replaceFile(path: string, text: string, user: ServerUser): void {
  const next = `${path}.next`
  // of an earlier attempt, or planted
  rmSync(next, { force: true })
  writeNew(next, text, user)
  renameSync(next, path)
}

/** Opens a file of the server's for reading; the caller closes it. Whatever way led there, its owner may read it anyway:
 *  nothing of ours gets out. @throws Error for a link, a pipe, a device, or, when we stepped down, a file of somebody else's. */
export function openServerFile(path: string, user?: ServerUser): number {
  return openChecked(path, O_RDONLY | O_NONBLOCK, (stats) => stats.isFile() && isOwn(stats, user))
}

/** The same for a folder. */
export function openServerFolder(path: string, user: ServerUser): number {
  return openChecked(path, O_RDONLY | O_DIRECTORY, (stats) => isOwn(stats, user))
}

/** Without `user`, whoever owns it. */
export function readServerFile(path: string, user?: ServerUser): Buffer {
  const file = openServerFile(path, user)
  try {
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}

/** Hands over a file of the server's that is there, to be changed in place, and brings it to disk. @throws as `openServerFile`. */
export function changeServerFile(path: string, user: ServerUser, change: (file: number, bytes: number) => void): void {
  const file = openChecked(path, O_RDWR | O_NONBLOCK, (stats) => stats.isFile() && isOwn(stats, user))
  try {
    change(file, fstatSync(file).size)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** A path to what is open, wherever its old path leads by now. Only Linux has one: elsewhere the old path has to do. */
export function pathOfOpen(file: number, path: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${file}` : path
}

function openChecked(path: string, flags: number, accepts: (stats: Stats) => boolean): number {
  const file = openSync(path, O_NOFOLLOW | flags)
  if (accepts(fstatSync(file))) return file
  closeSync(file)
  throw new Error(`${path} is not what PostgreSQL keeps there, or not its own: it is left alone.`)
}

function isOwn(stats: Stats, user?: ServerUser): boolean {
  return !user?.steppedDown || stats.uid === user.uid
}
