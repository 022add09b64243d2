/** Which migrations built the source: those that its history shows as applied, and no other. What is pending there is no part of its schema. */
import { failure } from '../../contracts/failures'
import type { WaitsAtLine } from '../../contracts/standby'
import type { HistoryRow } from '../../postgres/migrate/history'
import type { ResolvedMigration } from '../../postgres/migrate/resolve'
import type { Bound, SchemaLine } from '../../postgres/migrate/schema-line'
import { type MigrationState, migrationStates } from '../../postgres/migrate/state'
import { assertValid, validateMigrations } from '../../postgres/migrate/validate'

/** The rule of a look's finding: histories differ, and no line lacks. */
export const LACKS_FILES = 'lacks-files'

/** Of a baseline all that is at or below it counts as applied: that is what it says. */
const APPLIED: ReadonlySet<MigrationState> = new Set(['Success', 'Out of Order', 'Baseline', 'Below Baseline'])

/** Throws what validating the history throws, and PLAN_DRIFTED for a repeatable migration whose file is not the one that ran. */
export function appliedMigrations(resolved: readonly ResolvedMigration[], rows: readonly HistoryRow[]): ResolvedMigration[] {
  assertValid(validateMigrations(resolved, rows))
  const states = migrationStates(resolved, rows)
  const outdated = states.find(({ state }) => state === 'Outdated')
  if (outdated?.row) {
    const { script } = outdated.row
    throw failure(
      'PLAN_DRIFTED',
      `${script} has changed since it ran on the source: what ran is in no file, and no standby can be built by it. Migrate the source first, then start again.`,
      { script },
    )
  }
  const applied = new Set(states.flatMap(({ state, migration }) => (APPLIED.has(state) && migration !== null ? [migration] : [])))
  return resolved.filter((migration) => applied.has(migration))
}

/** Whether a standby has every file that its source has, whatever the order in which it got them. Of what is repeatable it has to have the last content, since it
 *  was built with that; what failed nobody has; a repair of either history writes other checksums. What is below a baseline the source has no rows of, and a
 *  baseline is no file. */
export function hasFilesOf(source: readonly HistoryRow[], standby: readonly HistoryRow[]): boolean {
  return lackingFiles(source, standby).length === 0
}

/** By script, in the source's order: what `hasFilesOf` misses. Files of rows are among them, which have no line: the rows come by themselves, and what is not in the
 *  standby's history would run once more over them as soon as it is the writer. */
export function lackingFiles(source: readonly HistoryRow[], standby: readonly HistoryRow[]): readonly string[] {
  const had = lastOfEach(standby)
  const lacking = [...lastOfEach(source)].filter(([name, { version, checksum }]) => {
    const row = had.get(name)
    return row === undefined || (version === null && row.checksum !== checksum)
  })
  return lacking.map(([, { script }]) => script)
}

function lastOfEach(history: readonly HistoryRow[]): Map<string, HistoryRow> {
  const files = history.filter(({ type, success }) => type === 'SQL' && success)
  return new Map(files.map((row) => [JSON.stringify([row.script, row.version]), row]))
}

/** The files that change tables which a source has and its standby has not; null: it has all, or has no line and waits for none. */
export function lackingLines(lines: readonly SchemaLine[], bound: Bound | null): Omit<WaitsAtLine, 'since'> | null {
  const lacking = bound === null ? [] : lines.filter(({ line }) => line > bound.line)
  const [next] = lacking
  if (bound === null || next === undefined) return null
  return { script: next.script, files: lacking.length, ...(bound.deferred > 0 && { deferred: bound.deferred }) }
}
