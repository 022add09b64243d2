/** Does the history still describe these files? Findings are returned; `assertValid` turns them into a failure for whoever must not go on. */
import { failure } from '../../contracts/failures'
import { type HistoryRow, storedDescription } from './history'
import type { ResolvedMigration } from './resolve'
import { type MigrationStatus, migrationStates, type StateOptions } from './state'

export type ValidationCode =
  | 'CHECKSUM_MISMATCH'
  | 'DESCRIPTION_MISMATCH'
  | 'TYPE_MISMATCH'
  | 'FAILED_MIGRATION'
  | 'APPLIED_NOT_RESOLVED'
  | 'RESOLVED_NOT_APPLIED'

export interface ValidationFinding {
  readonly code: ValidationCode
  readonly script: string
  readonly version: string | null
  readonly message: string
}

/** Pending and future migrations are no findings, as in Flyway's default. */
export function validateMigrations(
  resolved: readonly ResolvedMigration[],
  rows: readonly HistoryRow[],
  options: StateOptions = {},
): ValidationFinding[] {
  return migrationStates(resolved, rows, options).flatMap((status) => findingsOf(status))
}

function findingsOf({ state, migration, row }: MigrationStatus): ValidationFinding[] {
  const script = migration?.script ?? row?.script ?? ''
  const version = migration?.version ?? row?.version ?? null
  const finding = (code: ValidationCode, message: string) => [{ code, script, version, message }]
  switch (state) {
    case 'Failed':
    case 'Failed (Missing)':
    case 'Failed (Future)':
      return finding(
        'FAILED_MIGRATION',
        `${script} is recorded as failed: undo what it left behind and remove its row from the history.`,
      )
    case 'Missing':
      return finding('APPLIED_NOT_RESOLVED', `${script} was applied and its file is gone: put the file back.`)
    case 'Ignored':
      return finding(
        'RESOLVED_NOT_APPLIED',
        `${script} was never applied although later versions were: give it a higher version, or allow out-of-order migrations.`,
      )
    case 'Success':
    case 'Out of Order':
      return migration === null || row === null || row.version === null ? [] : mismatches(migration, row)
    default:
      return []
  }
}

function mismatches(migration: ResolvedMigration, row: HistoryRow): ValidationFinding[] {
  const { script, version } = migration
  if (row.type !== 'SQL') {
    return [
      { code: 'TYPE_MISMATCH', script, version, message: `Version ${version} was applied as ${row.type} and ${script} is SQL.` },
    ]
  }
  const findings: ValidationFinding[] = []
  if (row.checksum !== migration.checksum) {
    findings.push({
      code: 'CHECKSUM_MISMATCH',
      script,
      version,
      message: `${script} was changed after it was applied (checksum ${row.checksum} then, ${migration.checksum} now): restore the file.`,
    })
  }
  if (storedDescription(migration.description) !== row.description) {
    findings.push({
      code: 'DESCRIPTION_MISMATCH',
      script,
      version,
      message: `${script} was applied under the description "${row.description}": rename it back.`,
    })
  }
  return findings
}

/** Throws MIGRATION_CHECKSUM_CHANGED when any file was changed, otherwise MIGRATION_HISTORY_INVALID; both name the files. */
export function assertValid(findings: readonly ValidationFinding[]): void {
  if (findings.length === 0) return
  const changed = findings.filter(({ code }) => code === 'CHECKSUM_MISMATCH')
  const relevant = changed.length > 0 ? changed : findings
  const shown = relevant.slice(0, 5).map(({ message }) => message)
  const more = relevant.length > shown.length ? ` And ${relevant.length - shown.length} more.` : ''
  throw failure(changed.length > 0 ? 'MIGRATION_CHECKSUM_CHANGED' : 'MIGRATION_HISTORY_INVALID', `${shown.join(' ')}${more}`, {
    scripts: [...new Set(relevant.map(({ script }) => script))].join(', '),
    findings: findings.length,
  })
}
