/** File names after Flyway's convention: `V<version>__<description>.sql` runs once, `R__<description>.sql` whenever it changes.
 *  `B` (baseline) files and SQL callbacks are recognised and refused, since Flyway would run them and skipping them silently
 *  would leave another schema. Undo files (`U`) and names that follow no convention are left alone, as Flyway's open core does.
 *  Stricter than Flyway in one place: a name that was clearly meant as a migration and is malformed is an error. */
import { failure } from '../../contracts/failures'
import { printable } from '../printable'

export interface MigrationName {
  readonly kind: 'versioned' | 'repeatable'
  /** Dots between the parts, zeros as written; null for a repeatable migration. */
  readonly version: string | null
  readonly description: string
}

const SUFFIX = /\.sql$/i
const VERSION = /^\d+(\.\d+)*$/
const MEANT_AS_MIGRATION = /^(?:[VB][\d_.]|R_|[VRB].*__|[vb]\d.*__|r__)/
const CALLBACK =
  /^(?:(?:before|after)(?:Each)?(?:Migrate|Undo|Validate|Baseline|Repair|Info|Clean)(?:Statement)?(?:Error|Applied|OperationFinish)?|beforeRepeatables|afterVersioned|createSchema|beforeCreateSchema|beforeConnect|afterConnect)(?:__.*)?$/

/** The name's meaning, or null when the file is not a migration. `script` is the path relative to the migrations folder.
 *  Throws MIGRATION_NAME_INVALID or MIGRATION_UNSUPPORTED. */
export function parseMigrationName(script: string): MigrationName | null {
  const file = script.slice(script.lastIndexOf('/') + 1)
  if (!SUFFIX.test(file)) return null
  const name = file.replace(SUFFIX, '')
  if (CALLBACK.test(name))
    throw unsupported(script, 'an SQL callback, which this engine does not run yet: move it out of the folder')
  const separator = name.indexOf('__')
  const left = separator < 0 ? name : name.slice(0, separator)
  const description = separator < 0 ? '' : name.slice(separator + 2).replaceAll('_', ' ')
  const prefix = left.slice(0, 1)
  const version = left.slice(1).replaceAll('_', '.')
  if (prefix === 'R' && left === 'R' && separator >= 0) return { kind: 'repeatable', version: null, description }
  if ((prefix === 'V' || prefix === 'B') && VERSION.test(version)) {
    if (prefix === 'B')
      throw unsupported(script, 'a baseline migration, which this engine does not run yet: move it out of the folder')
    return checked(script, { kind: 'versioned', version, description })
  }
  if (MEANT_AS_MIGRATION.test(name)) {
    throw failure(
      'MIGRATION_NAME_INVALID',
      `${script} looks like a migration and its name cannot be read: write V<version>__<description>.sql, for example V2__add_status.sql, or R__<description>.sql.`,
      { script },
    )
  }
  return null
}

/** Such a name would be printed by every tool that lists migrations. Throws MIGRATION_NAME_INVALID. */
export function refuseUnprintableName(script: string): void {
  const shown = printable(script)
  if (shown === script && script.trimEnd() === script) return
  throw failure(
    'MIGRATION_NAME_INVALID',
    `The name "${shown}" holds characters that cannot be printed, or ends with a blank: rename the file.`,
    { script: shown },
  )
}

function checked(script: string, name: MigrationName): MigrationName {
  if (name.version !== null && name.version.length > 50) {
    throw failure(
      'MIGRATION_NAME_INVALID',
      `${script} has a version of ${name.version.length} characters, and the history holds 50: write a shorter one.`,
      { script },
    )
  }
  return name
}

function unsupported(script: string, what: string): Error {
  return failure('MIGRATION_UNSUPPORTED', `${script} is ${what}.`, { script })
}

/** The order of versions: numeric parts, trailing zeros without weight (`1` = `1.0` = `01`). Parts may have any length. */
export function compareVersions(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0
  const left = parts(a)
  const right = parts(b)
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const x = left[i] ?? ''
    const y = right[i] ?? ''
    // Without leading zeros the longer number is the greater one.
    if (x !== y) return x.length < y.length || (x.length === y.length && x < y) ? -1 : 1
  }
  return 0
}

/** The same text for equal versions. */
export function versionKey(version: string): string {
  const all = parts(version)
  while (all.at(-1) === '') all.pop()
  return all.map((part) => part || '0').join('.')
}

/** Each without leading zeros; zero is the empty text. */
function parts(version: string): string[] {
  const all = version.split('.')
  return version.includes('0') ? all.map((part) => part.replace(/^0+/, '')) : all
}

/** Order of descriptions as Java compares strings: by UTF-16 code unit. */
export function compareDescriptions(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0
  return a < b ? -1 : 1
}
