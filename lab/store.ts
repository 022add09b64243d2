/** The lab's memory: one JSON document, changed in place and saved as a whole. A save that resolved is on disk: written beside
 *  the old file, fsynced, renamed, and the folder fsynced. Saves asked for during a write share the next one. */
import { existsSync, readFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface Store<State> {
  /** Change it synchronously, then `save()`. */
  readonly state: State
  save(): Promise<void>
  /** Resolves when no save is under way: what was seen before is on disk then. */
  saved(): Promise<void>
}

export function openStore<State>(path: string, initial: () => State): Store<State> {
  const state = existsSync(path) ? read<State>(path) : initial()
  let writing: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  const save = (): Promise<void> => {
    next ??= writing
      .catch(() => {})
      .then(() => {
        next = undefined
        writing = write(path, JSON.stringify(state, null, 1))
        return writing
      })
    return next
  }
  const saved = async (): Promise<void> => {
    await (next ?? writing)
  }
  return { state, save, saved }
}

function read<State>(path: string): State {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as State
  } catch (error) {
    throw new Error(`${path} cannot be read (${error}). Restore it, or remove the folder to start over.`)
  }
}

async function write(path: string, text: string): Promise<void> {
  const beside = `${path}.next`
  const file = await open(beside, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(beside, path)
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
