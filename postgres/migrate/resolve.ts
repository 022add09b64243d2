/** Files → migrations, in the order in which they would run. Reads no database; statements are looked at only when planned. */
import { failure } from '../../contracts/failures'
import { migrationChecksum } from './checksum'
import {
  compareDescriptions,
  compareVersions,
  type MigrationName,
  parseMigrationName,
  refuseUnprintableName,
  versionKey,
} from './names'

export interface MigrationFile {
  /** Path relative to the migrations folder, with forward slashes. */
  readonly script: string
  readonly content: string
}

export interface ResolvedMigration extends MigrationName {
  readonly script: string
  readonly content: string
  readonly checksum: number
}

/** Throws MIGRATION_NAME_INVALID, MIGRATION_UNSUPPORTED, MIGRATION_VERSION_DUPLICATE or MIGRATION_DESCRIPTION_DUPLICATE. */
export function resolveMigrations(files: readonly MigrationFile[]): ResolvedMigration[] {
  const resolved: ResolvedMigration[] = []
  for (const { script, content } of files) {
    refuseUnprintableName(script)
    if (script.toLowerCase().endsWith('.sql.conf')) {
      throw failure(
        'MIGRATION_UNSUPPORTED',
        `${script} is a script configuration, which this engine does not read yet: remove it.`,
        { script },
      )
    }
    const name = parseMigrationName(script)
    if (name === null) continue
    if (script.length > 1000)
      throw failure(
        'MIGRATION_NAME_INVALID',
        `The name ${script.slice(0, 60)}… has ${script.length} characters, and the history holds 1,000: rename the file.`,
        { script },
      )
    resolved.push({ ...name, script, content, checksum: migrationChecksum(content) })
  }
  resolved.sort(inOrder)
  refuseDuplicates(resolved)
  return resolved
}

function inOrder(a: ResolvedMigration, b: ResolvedMigration): number {
  if (a.version !== null && b.version !== null)
    return compareVersions(a.version, b.version) || compareDescriptions(a.script, b.script)
  if (a.version === null && b.version === null) {
    return compareDescriptions(a.description, b.description) || compareDescriptions(a.script, b.script)
  }
  return a.version === null ? 1 : -1
}

function refuseDuplicates(resolved: readonly ResolvedMigration[]): void {
  const seen = new Map<string, string>()
  for (const { script, version, description } of resolved) {
    const key = version === null ? `R ${description}` : `V ${versionKey(version)}`
    const other = seen.get(key)
    if (other !== undefined && version !== null) {
      throw failure(
        'MIGRATION_VERSION_DUPLICATE',
        `${other} and ${script} have the same version ${version}: give one of them another.`,
        {
          version,
          first: other,
          second: script,
        },
      )
    }
    if (other !== undefined) {
      throw failure(
        'MIGRATION_DESCRIPTION_DUPLICATE',
        `${other} and ${script} have the same description, by which a repeatable migration is known: give one of them another.`,
        {
          first: other,
          second: script,
        },
      )
    }
    seen.set(key, script)
  }
}
