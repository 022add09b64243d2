/** The folder in which everything of an embedded default lies. `reset` removes it with all it holds and a sweep ends the servers in it, so
 *  a marker says that it is ours: only a folder that we made, found empty, or named by this clone's key gets one. Any other that
 *  CAPSTAN_STATE_DIR may name is left alone. */
import { accessSync, chmodSync, constants, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { failure } from '../../contracts/failures'
import type { Folders } from './folders'

const MARKER = '.capstan-state'

/** Makes the folder when it is not there, and marks it. @throws Failure FOLDER_NOT_OURS */
export function claimStateFolder(folders: Folders): void {
  const { state } = folders
  try {
    makeClosedFolder(state)
    if (!statSync(state).isDirectory()) throw Object.assign(new Error('a file'), { code: 'ENOTDIR' })
    accessSync(state, constants.W_OK)
  } catch (error) {
    throw notUsable(state, error)
  }
  if (existsSync(join(state, MARKER))) return
  if (folders.stateGiven && readdirSync(state).length > 0) throw notOurs(state)
  writeFileSync(join(state, MARKER), 'The state of a Capstan embedded default: `capstan reset` removes this folder.\n', {
    mode: 0o600,
  })
  // An empty folder that somebody made for us is closed further if need be, never opened.
  chmodSync(state, statSync(state).mode & closedMode())
}

/** Whether there is state of ours; false when there is nothing at all. @throws Failure FOLDER_NOT_OURS when it is somebody else's. */
export function isClaimed({ state, stateGiven }: Folders): boolean {
  if (existsSync(join(state, MARKER))) return true
  if (!existsSync(state)) return false
  if (!statSync(state).isDirectory()) throw notUsable(state, { code: 'ENOTDIR' })
  if (readdirSync(state).length === 0) return false
  if (stateGiven) throw notOurs(state)
  return true
}

/** Makes a folder, and those on the way to it, that others cannot list; as root they may pass through, since PostgreSQL runs as another
 *  user then and keeps its own data closed. Folders that are there stay as they are. */
export function makeClosedFolder(path: string): void {
  if (existsSync(path)) return
  makeClosedFolder(dirname(path))
  try {
    // Not recursively: where a folder can never be, as below /proc, Node would try for ever.
    mkdirSync(path)
  } catch (error) {
    if (!existsSync(path)) throw error
  }
  chmodSync(path, closedMode())
}

function closedMode(): number {
  return process.getuid?.() === 0 ? 0o711 : 0o700
}

function notUsable(state: string, error: unknown): Error {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error)
  const message = `The state folder ${state} cannot be made or written to (${code}); name another with CAPSTAN_STATE_DIR.`
  return failure('FOLDER_NOT_OURS', message, { folder: state })
}

function notOurs(state: string): Error {
  const message = `CAPSTAN_STATE_DIR names ${state}, which holds other things (there is no ${MARKER} in it); name a folder that is empty or not there yet.`
  return failure('FOLDER_NOT_OURS', message, { folder: state })
}
