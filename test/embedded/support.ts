import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders: string[] = []

/** A folder of the test's own; removed after the file's tests by `removeFolders`. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'capstan-embedded-'))
  folders.push(made)
  return made
}

export function removeFolders(): void {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true })
}
