/** A migrations folder from the disk, subfolders included. Files that are not `.sql` or `.sql.conf` are not read. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { failure } from '../../contracts/failures'
import type { MigrationFile } from './resolve'

/** Sorted by script. Throws MIGRATIONS_MISSING, or MIGRATION_UNSUPPORTED for a file that is not UTF-8. */
export async function readMigrationDirectory(directory: string): Promise<MigrationFile[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw failure('MIGRATIONS_MISSING', `The migrations folder ${directory} cannot be read (${error.code}): check the path.`, {
      directory,
    })
  })
  const paths = entries
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && /\.sql(\.conf)?$/i.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
  const files = await Promise.all(
    paths.map(async (file) => {
      const script = path.relative(directory, file).split(path.sep).join('/')
      return { script, content: decode(script, await readFile(file)) }
    }),
  )
  return files.sort((a, b) => (a.script < b.script ? -1 : 1))
}

function decode(script: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw failure('MIGRATION_UNSUPPORTED', `${script} is not UTF-8: convert it.`, { script })
  }
}
