/** The files of a run that stops at a version: versioned ones up to it; repeatables are left for a run without a target. */
import { failure } from '../../../contracts/failures'
import type { HistoryRow } from '../../../postgres/migrate/history'
import { compareVersions } from '../../../postgres/migrate/names'
import type { ResolvedMigration } from '../../../postgres/migrate/resolve'

/** Fails with OPTION_INVALID when no file has the version. */
export function upToVersion(
  resolved: readonly ResolvedMigration[],
  history: readonly HistoryRow[],
  target: string,
): ResolvedMigration[] {
  const versions = resolved.flatMap(({ version }) => (version === null ? [] : [version]))
  if (!/^\d+(\.\d+)*$/.test(target) || !versions.some((version) => compareVersions(version, target) === 0)) {
    const known = versions.length === 0 ? 'there are none' : `there are ${versions.slice(-10).join(', ')}`
    throw failure('OPTION_INVALID', `No migration has the version ${target}; ${known}.`, { option: 'target', target })
  }
  return resolved.flatMap((migration) => {
    if (migration.version !== null) return compareVersions(migration.version, target) <= 0 ? [migration] : []
    // One that ran before stands as it ran, or the history would seem to have lost its file.
    const ran = history.findLast((row) => row.version === null && row.description === migration.description && row.success)
    return ran?.checksum == null ? [] : [{ ...migration, checksum: ran.checksum }]
  })
}
