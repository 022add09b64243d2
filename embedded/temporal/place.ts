/** Puts a program into its place in one rename, so that nobody ever runs half of one and two who make it at once do no harm. */
import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'

/** Calls `make` with an empty folder beside `target`; the program it returns becomes `target`. */
export async function makeInPlace(target: string, make: (folder: string) => Promise<string>): Promise<void> {
  const folder = `${dirname(target)}.making-${process.pid}-${randomUUID().slice(0, 8)}`
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  try {
    const made = await make(folder)
    chmodSync(made, 0o755)
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 })
    renameSync(made, target)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export type Made = { readonly ok: true } | { readonly ok: false; readonly reason: string }
