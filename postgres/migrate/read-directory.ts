/** A migrations folder from the disk, subfolders included, as far as it can be trusted: a repository may hold whatever its authors like.
 *  Only regular files of the folder itself are read, never what a link points at outside it, never a pipe or a device. Files that are not
 *  `.sql` or `.sql.conf` are not read at all. A link to a folder inside is not followed: its files are read where they lie. */
import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs'
import path from 'node:path'
import { types } from 'node:util'
import { failure } from '../../contracts/failures'
import { createPace } from '../pace'
import { printable } from '../printable'
import { refuseUnprintableName } from './names'
import type { MigrationFile } from './resolve'

/** 64 MiB. More data than that belongs into a COPY of its own, outside migrations. */
export const FILE_BYTES_MAX = 64 * 1024 * 1024
/** 256 MiB: what travels to the ledger as one text. */
export const FOLDER_BYTES_MAX = 256 * 1024 * 1024

/** Blanks behind the ending count too: such a name was meant as a migration's. */
const MEANT = /\.sql(?:\.conf)?[\s\p{C}]*$/iu

/** Sorted by script. Throws MIGRATIONS_MISSING for what cannot be read, MIGRATION_UNSUPPORTED for what is no regular UTF-8 file inside the
 *  folder or too large, MIGRATION_NAME_INVALID for a name that cannot be printed. All name the file. Takes turns with the rest of the process. */
export async function readMigrationDirectory(directory: string): Promise<MigrationFile[]> {
  const root = realRoot(directory)
  const pace = createPace()
  const files: MigrationFile[] = []
  let bytes = 0
  for (const { script, file } of candidates(root, '')) {
    const content = readContent(script, file)
    bytes += content.length
    if (bytes > FOLDER_BYTES_MAX) {
      const found = `The migrations in ${printable(directory)} are larger than ${mebibytes(FOLDER_BYTES_MAX)} in all`
      throw failure('MIGRATION_UNSUPPORTED', `${found}, which is what is read: take out data that is no migration.`, {
        directory,
      })
    }
    files.push({ script, content: decode(script, content) })
    await pace()
  }
  return files.sort((a, b) => (a.script < b.script ? -1 : 1))
}

function realRoot(directory: string): string {
  try {
    return realpathSync(directory)
  } catch (error) {
    throw unreadable(`The migrations folder ${printable(directory)}`, error, { directory })
  }
}

interface Candidate {
  /** Relative to the root, with forward slashes. */
  readonly script: string
  /** Where it really lies. */
  readonly file: string
}

function* candidates(root: string, folder: string): Generator<Candidate> {
  for (const entry of entriesOf(root, folder)) {
    const script = folder === '' ? entry.name : `${folder}/${entry.name}`
    const wanted = MEANT.test(entry.name)
    if (wanted) refuseUnprintableName(script)
    const file = path.join(root, script)
    if (entry.isSymbolicLink()) {
      const target = followed(root, script, wanted)
      if (target !== null) yield { script, file: target }
    } else if (entry.isDirectory() && !wanted) yield* candidates(root, script)
    else if (wanted && entry.isFile()) yield { script, file }
    else if (wanted) throw refused(script, `is ${entry.isDirectory() ? 'a folder' : 'no regular file'}`, 'rename or remove it')
  }
}

function entriesOf(root: string, folder: string): Dirent[] {
  try {
    return readdirSync(path.join(root, folder), { withFileTypes: true })
  } catch (error) {
    const which = folder === '' ? root : folder
    throw unreadable(`The migrations folder ${printable(which)}`, error, { directory: which })
  }
}

/** The real file behind a link; null where there is nothing to read. */
function followed(root: string, script: string, wanted: boolean): string | null {
  const target = linkTarget(path.join(root, script))
  if (target === null) {
    if (wanted) throw refused(script, 'is a link that leads nowhere', 'mend or remove it')
    return null
  }
  if (!wanted && !target.directory) return null
  if (target.real !== root && !target.real.startsWith(path.join(root, path.sep))) {
    throw refused(script, 'is a link that leads out of the migrations folder', 'put what it points at into the folder')
  }
  if (!target.directory) return target.real
  if (wanted) throw refused(script, 'is a link to a folder', 'rename or remove it')
  return null
}

function linkTarget(link: string): { readonly real: string; readonly directory: boolean } | null {
  try {
    const real = realpathSync(link)
    return { real, directory: statSync(real).isDirectory() }
  } catch {
    return null
  }
}

/** Opened first and looked at then, so that it is the same file; a pipe that nobody writes to must not hold us up. */
function readContent(script: string, file: string): Buffer {
  let opened: number
  try {
    opened = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch (error) {
    throw unreadable(printable(script), error, { script })
  }
  try {
    const stats = fstatSync(opened)
    if (!stats.isFile()) throw refused(script, 'is no regular file', 'rename or remove it')
    if (stats.size > FILE_BYTES_MAX) {
      throw refused(script, `is larger than the ${mebibytes(FILE_BYTES_MAX)} that a migration may have`, 'split it')
    }
    return readFileSync(opened)
  } finally {
    closeSync(opened)
  }
}

function decode(script: string, bytes: Buffer): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw refused(script, 'is not UTF-8', 'convert it')
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function refused(script: string, what: string, todo: string): Error {
  return failure('MIGRATION_UNSUPPORTED', `${printable(script)} ${what}: ${todo}.`, { script: printable(script) })
}

function unreadable(what: string, error: unknown, facts: Readonly<Record<string, string>>): Error {
  const why = types.isNativeError(error) && 'code' in error ? String(error.code) : 'unknown reason'
  return failure('MIGRATIONS_MISSING', `${what} cannot be read (${why}): check the path and its permissions.`, facts)
}

function mebibytes(bytes: number): string {
  return `${bytes / 1024 / 1024} MiB`
}
