/** Reads how files and database stand to each other. Changes nothing, not even by creating the history table. */
import type { Session } from '../connect/session'
import { type HistoryLocation, readHistory } from './history'
import type { ResolvedMigration } from './resolve'
import { currentVersion, type MigrationState, migrationStates, type StateOptions } from './state'
import { type ValidationFinding, validateMigrations } from './validate'

export interface MigrationInfo {
  readonly category: 'Versioned' | 'Repeatable'
  readonly version: string | null
  readonly description: string
  /** SQL, BASELINE, SCHEMA, JDBC… */
  readonly type: string
  readonly script: string
  readonly state: MigrationState
  /** As stored in the history, null where it never ran. */
  readonly installedOn: string | null
  readonly installedBy: string | null
  readonly executionTimeMs: number | null
  /** Of the file, or of the history's row where the file is gone. */
  readonly checksum: number | null
}

export interface InfoResult {
  readonly current: string | null
  readonly migrations: readonly MigrationInfo[]
}

export interface ReadOptions extends StateOptions {
  readonly history?: HistoryLocation
}

export async function info(
  session: Session,
  resolved: readonly ResolvedMigration[],
  options: ReadOptions = {},
): Promise<InfoResult> {
  const { rows } = await readHistory(session, options.history)
  const migrations = migrationStates(resolved, rows, options).map(({ state, migration, row }) => ({
    category: (row ?? migration)?.version == null ? ('Repeatable' as const) : ('Versioned' as const),
    version: row?.version ?? migration?.version ?? null,
    description: row?.description ?? migration?.description ?? '',
    type: row?.type ?? 'SQL',
    script: row?.script ?? migration?.script ?? '',
    state,
    installedOn: row?.installedOn ?? null,
    installedBy: row?.installedBy ?? null,
    executionTimeMs: row?.executionTimeMs ?? null,
    checksum: migration?.checksum ?? row?.checksum ?? null,
  }))
  return { current: currentVersion(rows), migrations }
}

export interface ValidateResult {
  readonly valid: boolean
  readonly findings: readonly ValidationFinding[]
}

/** Findings are returned; the caller decides. */
export async function validate(
  session: Session,
  resolved: readonly ResolvedMigration[],
  options: ReadOptions = {},
): Promise<ValidateResult> {
  const { rows } = await readHistory(session, options.history)
  const findings = validateMigrations(resolved, rows, options)
  return { valid: findings.length === 0, findings }
}
