/** What a standby lacks of the files that its source has, in the source's order. */
import { failure } from '../../contracts/failures'
import type { HistoryRow } from '../migrate/history'
import { planMigration } from '../migrate/plan'
import type { PlannedMigration } from '../migrate/plan-script'
import type { ResolvedMigration } from '../migrate/resolve'
import type { SchemaLine } from '../migrate/schema-line'

export interface CarryStep {
  readonly script: string
  /** Of what ran on the source. */
  readonly checksum: number
  /** Its number on the source; null: it has none. */
  readonly line: number | null
  /** `rows`: its row in the history alone; `free`: run while changes come in; `superseded`: a repeatable file that ran again since, with the content that there
   *  is now: of the first time there is its row in the history alone. */
  readonly way: 'at-the-line' | 'rows' | 'free' | 'superseded'
}

export interface ToCarryInput {
  readonly resolved: readonly ResolvedMigration[]
  readonly lines: readonly SchemaLine[]
  readonly sourceHistory: readonly HistoryRow[]
  readonly standbyHistory: readonly HistoryRow[]
  /** The last line that the standby has. */
  readonly bound: number
}

/** A file that stands in the standby's history and whose line it has not passed is lacking still. Throws DATABASE_REFUSED where the source has a file that cannot
 *  be carried over for its having no line, for being gone, or for what it does, and where nothing is to be carried and the history lacks what was passed;
 *  MIGRATION_CHECKSUM_CHANGED; what planning throws. */
export async function toCarry(input: ToCarryInput): Promise<readonly CarryStep[]> {
  const { bound, sourceHistory } = input
  const rows = withLines(input)
  const passed = rows.findLastIndex(({ line }) => line !== null && line.line <= bound)
  const steps: CarryStep[] = []
  for (const { row, line } of rows.slice(passed + 1)) {
    if (line === null && has(input.standbyHistory, row)) continue
    const migration = input.resolved.find(({ script }) => script === row.script)
    const again = row.version === null && sourceHistory.findLast(({ script }) => script === row.script) !== row
    if (again && migration !== undefined && migration.checksum !== row.checksum) {
      steps.push({ script: row.script, checksum: row.checksum ?? 0, line: line?.line ?? null, way: 'superseded' })
      continue
    }
    if (migration === undefined) throw gone(row)
    if (migration.checksum !== (line?.checksum ?? row.checksum)) throw changed(row)
    const plan = await planMigration(migration)
    refuseStuck(plan)
    steps.push({ script: row.script, checksum: migration.checksum, line: line?.line ?? null, way: wayOf(plan, line) })
  }
  if (steps.length === 0) refuseMissed(input, rows.slice(0, passed + 1))
  return steps
}

/** The source has it already, and neither the file nor its marker may be changed any more. */
function refuseStuck({ script, standby }: PlannedMigration): void {
  const [refusal] = standby.refusals
  if (refusal === undefined) return
  throw failure(
    'DATABASE_REFUSED',
    `${script}:${refusal.line} cannot be carried over, and the source has it already, so that the standby can only be seeded anew: capstan standby reseed. What would have to be written instead in a file to come: ${refusal.reason}.`,
    { script, line: refusal.line },
  )
}

/** What was passed and is in the standby's history no more, as after somebody's repair of it: nothing of it would be run. */
function refuseMissed({ sourceHistory, standbyHistory }: ToCarryInput, passed: readonly Ran[]): void {
  const isLast = (row: HistoryRow) =>
    sourceHistory.findLast(({ type, success, script }) => type === 'SQL' && success && script === row.script) === row
  const missed = passed.find(({ row }) => isLast(row) && !has(standbyHistory, row))
  if (missed === undefined) return
  const { script } = missed.row
  throw failure(
    'DATABASE_REFUSED',
    `The standby has passed ${script}, which is not in its history by now, or with another checksum: put the row back as the source has it, or capstan standby reseed.`,
    { script },
  )
}

interface Ran {
  readonly row: HistoryRow
  readonly line: SchemaLine | null
}

/** Both are in the order of commits; what is repeatable may be in both more than once. */
function withLines({ sourceHistory, lines }: ToCarryInput): Ran[] {
  let at = 0
  return sourceHistory
    .filter(({ type, success }) => type === 'SQL' && success)
    .map((row) => {
      const found = lines.findIndex(
        (line, index) => index >= at && line.script === row.script && (row.version !== null || line.checksum === row.checksum),
      )
      if (found < 0) return { row, line: null }
      at = found + 1
      return { row, line: lines[found] ?? null }
    })
}

function has(history: readonly HistoryRow[], { script, checksum, version }: HistoryRow): boolean {
  return history.some((row) => row.success && row.script === script && (version !== null || row.checksum === checksum))
}

function wayOf({ script, standby }: PlannedMigration, line: SchemaLine | null): CarryStep['way'] {
  if (line !== null) return 'at-the-line'
  if (standby.class === 'rows' || standby.class === 'free') return standby.class
  throw failure(
    'DATABASE_REFUSED',
    `${script} changed the schema of the source and left no line there: it was applied by another tool, or before the standby had lines. Nothing says where in what comes it belongs: capstan standby reseed.`,
    { script },
  )
}

function gone({ script }: HistoryRow): Error {
  return failure(
    'DATABASE_REFUSED',
    `${script} was applied to the source, the standby lacks it, and its file is gone: put it back.`,
    {
      script,
    },
  )
}

function changed({ script }: HistoryRow): Error {
  return failure(
    'MIGRATION_CHECKSUM_CHANGED',
    `${script} was changed after it was applied to the source, and the standby lacks it: restore the file.`,
    { script },
  )
}
