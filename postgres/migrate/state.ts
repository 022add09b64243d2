/** Files and history side by side: the state of each migration in Flyway's words. Everything else (what is pending, what is wrong, what
 *  to show) is read off this one list. */

import { type HistoryRow, storedDescription } from './history'
import { compareDescriptions, compareVersions, versionKey } from './names'
import type { ResolvedMigration } from './resolve'

export type MigrationState =
  | 'Pending'
  | 'Success'
  | 'Failed'
  | 'Missing'
  | 'Failed (Missing)'
  | 'Future'
  | 'Failed (Future)'
  | 'Ignored'
  | 'Outdated'
  | 'Superseded'
  | 'Out of Order'
  | 'Baseline'
  | 'Below Baseline'
  | 'Deleted'

export interface MigrationStatus {
  readonly state: MigrationState
  /** Null where the file is gone. */
  readonly migration: ResolvedMigration | null
  /** Null where it never ran. */
  readonly row: HistoryRow | null
}

export interface StateOptions {
  /** A lower version that was never applied counts as pending rather than ignored. */
  readonly outOfOrder?: boolean
}

/** In Flyway's order: applied by rank first, then what has not run, versioned before repeatable. */
export function migrationStates(
  resolved: readonly ResolvedMigration[],
  rows: readonly HistoryRow[],
  options: StateOptions = {},
): MigrationStatus[] {
  const context = new Context(resolved, rows)
  const applied = rows.filter((row) => row.type !== 'DELETE').map((row) => context.applied(row))
  const open = resolved.filter((migration) => context.isOpen(migration)).map((migration) => context.open(migration, options))
  return [...applied, ...open]
}

class Context {
  readonly #byVersion = new Map<string, ResolvedMigration>()
  readonly #byDescription = new Map<string, ResolvedMigration>()
  readonly #lastResolved: string | null
  readonly #lastApplied: string | null
  readonly #baseline: string | null
  readonly #appliedVersions = new Set<string>()
  readonly #deletedBefore = new Map<string, number>()
  readonly #latestRepeatable = new Map<string, HistoryRow>()
  readonly #outOfOrder = new Set<number>()

  constructor(resolved: readonly ResolvedMigration[], rows: readonly HistoryRow[]) {
    for (const migration of resolved) {
      if (migration.version === null) this.#byDescription.set(storedDescription(migration.description), migration)
      else this.#byVersion.set(versionKey(migration.version), migration)
    }
    let highest: string | null = null
    let baseline: string | null = null
    for (const row of rows) {
      if (row.type === 'DELETE') this.#deletedBefore.set(keyOf(row), row.installedRank)
      else if (row.version === null) this.#latestRepeatable.set(row.description, row)
      if (row.version !== null && row.type.endsWith('BASELINE')) baseline = row.version
    }
    for (const row of rows) {
      if (row.version === null || row.type === 'DELETE' || this.#deleted(row)) continue
      this.#appliedVersions.add(versionKey(row.version))
      if (highest !== null && compareVersions(row.version, highest) < 0) this.#outOfOrder.add(row.installedRank)
      else highest = row.version
    }
    this.#lastApplied = highest
    this.#baseline = baseline
    this.#lastResolved = lastVersion(resolved)
  }

  #deleted(row: HistoryRow): boolean {
    return (this.#deletedBefore.get(keyOf(row)) ?? 0) > row.installedRank
  }

  applied(row: HistoryRow): MigrationStatus {
    const migration =
      (row.version === null ? this.#byDescription.get(row.description) : this.#byVersion.get(versionKey(row.version))) ?? null
    return { state: this.#appliedState(row, migration), migration, row }
  }

  #appliedState(row: HistoryRow, migration: ResolvedMigration | null): MigrationState {
    if (row.type === 'SCHEMA') return 'Success'
    if (row.type.endsWith('BASELINE')) return 'Baseline'
    if (this.#deleted(row)) return 'Deleted'
    if (migration === null) return this.#goneState(row)
    if (!row.success) return 'Failed'
    if (row.version !== null) return this.#outOfOrder.has(row.installedRank) ? 'Out of Order' : 'Success'
    if (this.#latestRepeatable.get(row.description) !== row) return 'Superseded'
    return row.checksum === migration.checksum ? 'Success' : 'Outdated'
  }

  #goneState(row: HistoryRow): MigrationState {
    if (row.version === null && this.#latestRepeatable.get(row.description) !== row) return 'Superseded'
    const future = row.version !== null && (this.#lastResolved === null || compareVersions(row.version, this.#lastResolved) > 0)
    if (future) return row.success ? 'Future' : 'Failed (Future)'
    return row.success ? 'Missing' : 'Failed (Missing)'
  }

  /** Never ran, or is a repeatable that has to run again. */
  isOpen(migration: ResolvedMigration): boolean {
    if (migration.version !== null) return !this.#appliedVersions.has(versionKey(migration.version))
    const latest = this.#latestRepeatable.get(storedDescription(migration.description))
    return latest === undefined || this.#deleted(latest) || !latest.success || latest.checksum !== migration.checksum
  }

  open(migration: ResolvedMigration, options: StateOptions): MigrationStatus {
    return { state: this.#openState(migration.version, options), migration, row: null }
  }

  #openState(version: string | null, options: StateOptions): MigrationState {
    if (version === null) return 'Pending'
    if (this.#baseline !== null && compareVersions(version, this.#baseline) < 0) return 'Below Baseline'
    const late = this.#lastApplied !== null && compareVersions(version, this.#lastApplied) < 0
    return late && options.outOfOrder !== true ? 'Ignored' : 'Pending'
  }
}

function keyOf(row: HistoryRow): string {
  return row.version === null ? `R ${row.description}` : `V ${versionKey(row.version)}`
}

function lastVersion(resolved: readonly ResolvedMigration[]): string | null {
  let last: string | null = null
  for (const { version } of resolved)
    if (version !== null && (last === null || compareVersions(version, last) > 0)) last = version
  return last
}

/** The highest version that the history holds as applied, null for none. */
export function currentVersion(rows: readonly HistoryRow[]): string | null {
  let current: string | null = null
  for (const row of rows) {
    if (row.version === null || !row.success || row.type === 'DELETE') continue
    if (current === null || compareVersions(row.version, current) > 0) current = row.version
  }
  return current
}

/** What is still to run, in order: versions ascending, then repeatables by description. */
export function pendingMigrations(states: readonly MigrationStatus[]): ResolvedMigration[] {
  const pending = states.flatMap(({ state, migration }) => (state === 'Pending' && migration !== null ? [migration] : []))
  return pending.sort((a, b) => {
    if (a.version !== null && b.version !== null) return compareVersions(a.version, b.version)
    if (a.version === null && b.version === null) return compareDescriptions(a.description, b.description)
    return a.version === null ? 1 : -1
  })
}
