/** Folders that the server's user can use. As root the server runs as somebody else, who must be able to enter every
 *  folder on the way; this file hands over what is ours to hand over and says plainly which foreign folder is in the way.
 *  It never widens the mode of a folder that it did not create. */
import { chmodSync, lchownSync, mkdirSync, type Stats, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { PostgresServerError } from './failure'
import type { ServerUser } from './server-user'

/** Creates `folder` and its missing parents so that `user` can enter them, and nobody else can list them.
 *  @throws PostgresServerError FOLDER_UNREACHABLE naming the first folder that `user` cannot enter. */
export function ensureEnterable(folder: string, user: ServerUser): void {
  const path = resolve(folder)
  for (const step of ancestors(path)) {
    if (!statIfThere(step)) makeClosedFolder(step, user)
    if (user.steppedDown && !mayEnter(statSync(step), user)) {
      throw new PostgresServerError(
        'FOLDER_UNREACHABLE',
        `PostgreSQL runs as user "${user.name}" here, who cannot enter ${step} (on the way to ${path}). Allow it to enter (chmod o+x), or choose another folder.`,
      )
    }
  }
}

/** Creates `folder` for the server alone: owned by `user`, mode 0700. Its parents must be there. */
export function makeServerFolder(folder: string, user: ServerUser): void {
  mkdirSync(folder, { mode: 0o700, recursive: true })
  giveToServer(folder, user)
}

/** Hands a path over to the server's user, never what a link there points to; nothing to do when the server's user is ours. */
export function giveToServer(path: string, user: ServerUser): void {
  if (user.steppedDown) lchownSync(path, user.uid, user.gid)
}

/** The umask could close it to the server's user: the mode is set explicitly, unless somebody else made the folder just now. */
function makeClosedFolder(path: string, user: ServerUser): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return
    throw error
  }
  closeFolder(path, user)
}

/** A folder of ours: the server's user may pass through, others when they must because of that; nobody but us may list it. */
export function closeFolder(path: string, user: ServerUser): void {
  chmodSync(path, user.steppedDown ? 0o711 : 0o700)
}

function ancestors(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [path] : [...ancestors(parent), path]
}

function statIfThere(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

function mayEnter(stats: Stats, user: ServerUser): boolean {
  if (stats.uid === user.uid) return (stats.mode & 0o100) !== 0
  if (stats.gid === user.gid) return (stats.mode & 0o010) !== 0
  return (stats.mode & 0o001) !== 0
}
