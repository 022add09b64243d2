/** A fleet file from the disk, and a database in it. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { DeclaredFleet } from '../../contracts/schedule'
import { printable } from '../../postgres/printable'
import { cutInput, shownInput } from '../shown-input'
import type * as Parsing from './parse-fleet'
import { nearest } from './suggest'

export interface LoadedFleet extends DeclaredFleet {
  /** Absolute. */
  readonly file: string
  /** The fleet file's folder: what its relative paths start from. */
  readonly folder: string
}

/** Fails with FLEET_FILE_MISSING or FLEET_FILE_INVALID. */
export async function readFleet(file: string): Promise<LoadedFleet> {
  const absolute = path.resolve(file)
  const relative = path.relative(process.cwd(), absolute)
  const shown = printable(relative.startsWith('..') ? absolute : relative)
  const text = await readText(absolute, shown)
  // The validator takes longer to load than most commands to run, and most need no fleet file.
  const { parseFleet } = require('./parse-fleet') as typeof Parsing
  return { ...parseFleet(text, shown), file: absolute, folder: path.dirname(absolute) }
}

const WHY_UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EISDIR: 'is a folder',
  ENOTDIR: 'lies below a file',
  ENAMETOOLONG: 'has too long a name',
  ERR_INVALID_ARG_VALUE: 'holds a NUL in its name',
}

async function readText(file: string, shown: string): Promise<string> {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    const why = WHY_UNREADABLE[code] ?? `cannot be read (${code})`
    const message = `The fleet file ${shown} ${why}; name another with --fleet FILE or CAPSTAN_FLEET.`
    throw failure('FLEET_FILE_MISSING', message, { file: shown })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw failure('FLEET_FILE_INVALID', `${shown}:1:1: the file is not UTF-8; convert it to UTF-8.`, {
      file: shown,
      line: 1,
      column: 1,
    })
  }
}

/** Fails with DATABASE_UNKNOWN. */
export function findDatabase(fleet: LoadedFleet, name: string): DatabaseEntry {
  const found = fleet.databases.find((database) => database.name === name)
  if (found !== undefined) return found
  const known = fleet.databases.map((database) => database.name)
  const meant = nearest(name, known)
  const listed = known.length === 0 ? 'none' : known.slice(0, 20).join(', ') + (known.length > 20 ? ', …' : '')
  const hint = meant === null ? `it holds ${listed}.` : `did you mean ${meant}?`
  const message = `${printable(fleet.file)} has no database ${shownInput(name)}; ${hint}`
  throw failure('DATABASE_UNKNOWN', message, { database: cutInput(name), file: fleet.file })
}
