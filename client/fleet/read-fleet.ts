/** Reads and validates a fleet file. Every problem names file, line and column, the field, what was found and what would be
 *  right. Secrets are not resolved, and what looks like one is not repeated in a message. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { Compile } from 'typebox/compile'
import { Settings } from 'typebox/system'
import { failure } from '../../contracts/failures'
import type { DatabaseEntry, Fleet } from '../../contracts/fleet'
import { type FleetFile, FleetFileSchema } from '../../contracts/fleet.schema'
import { printable } from '../../postgres/printable'
import { cutInput, shownInput } from '../shown-input'
import { toEntries } from './entries'
import { explainErrors, type FleetProblem } from './problems'
import { parseFleetSource } from './source'
import { nearest } from './suggest'

export interface LoadedFleet extends Fleet {
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
  const { databases } = parseFleet(await readText(absolute, shown), shown)
  return { version: 1, databases, file: absolute, folder: path.dirname(absolute) }
}

/** `name`: how messages call the file. */
export function parseFleet(text: string, name: string): Fleet {
  const parsed = parseFleetSource(text)
  if ('problems' in parsed) {
    throw invalid(
      name,
      parsed.problems.map((problem) => ({ ...problem, field: '' })),
    )
  }
  const { source } = parsed
  // Without this the validator stops after eight.
  Settings.Set({ maxErrors: 500 })
  const validator = Compile(FleetFileSchema)
  const value: unknown = source.value
  if (!validator.Check(value)) throw invalid(name, explainErrors(source, validator.Errors(value)))
  const { entries, problems } = toEntries(value satisfies FleetFile, source)
  if (problems.length > 0) throw invalid(name, problems)
  return { version: 1, databases: entries }
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

function invalid(file: string, problems: readonly FleetProblem[]): Error {
  const sentence = ({ line, column, message }: FleetProblem): string => `${file}:${line}:${column}: ${printable(message)}`
  const message = problems.map((one) => `${sentence(one)}${one.message.endsWith('?') ? '' : '.'}`).join('\n')
  const [first] = problems
  const facts = { file, line: first?.line ?? 1, column: first?.column ?? 1, field: first?.field ?? '', problems: problems.length }
  return failure('FLEET_FILE_INVALID', message, facts)
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
