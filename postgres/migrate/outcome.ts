/** What ran outside a transaction and was interrupted may have happened or not, and only the database can tell. Where a second run
 *  could do it twice, nothing goes on until a person has looked. The ways on:
 *
 *  - it happened: its row in `capstan.progress` is set to `done`, and the file continues behind it;
 *  - it did not happen: its row is deleted, and it runs again;
 *  - it may run twice: the line `-- capstan: repeatable` stands before it in the file, alone on its line, with no other statement in
 *    between. It then also runs again by itself after every later interruption. */
import { type Failure, failure } from '../../contracts/failures'
import type { PlannedMigration, ScriptStatement } from './plan-script'
import type { ProgressRow } from './progress'
import type { RunContext } from './run-context'

/** Throws MIGRATION_OUTCOME_UNKNOWN when the file holds an interrupted statement that may not simply run again, wherever it now stands. */
export function refuseUnknownOutcome(
  context: RunContext,
  migration: PlannedMigration,
  progress: ReadonlyMap<number, ProgressRow>,
): void {
  for (const [index, { state, digest }] of progress) {
    if (state !== 'intended') continue
    const statement = interrupted(migration, index, digest)
    if (statement !== undefined && statement.repeat !== 'safe') throw outcomeUnknown(context, migration, statement, index)
  }
}

/** An edit above it may have moved it; an edit of the statement itself makes it another one. */
function interrupted({ statements }: PlannedMigration, index: number, digest: string): ScriptStatement | undefined {
  const there = statements[index]
  return there?.digest === digest ? there : statements.find((statement) => statement.digest === digest)
}

function outcomeUnknown(
  { progress, work }: RunContext,
  { script, version }: PlannedMigration,
  { kind, line, repeat, index: place }: ScriptStatement,
  index: number,
): Failure {
  const { host, port, database } = work.endpoint
  const row = progress.rowCondition(script, index)
  const moved = place === index ? '' : `, statement_index = ${place}`
  const happened = `UPDATE capstan.progress SET state = 'done'${moved} WHERE ${row}`
  const didNot = `DELETE FROM capstan.progress WHERE ${row}`
  const what = repeat === 'partly' ? 'all of it, part of it or nothing may have happened' : 'it may have happened or not'
  return failure(
    'MIGRATION_OUTCOME_UNKNOWN',
    `${script}:${line}: this ${kind} was interrupted on ${host}:${port}/${database}: ${what}, and it does not run again by itself. ` +
      `Look there at what it changes. If all of it is done: ${happened}; if nothing is: ${didNot}; ` +
      `if it may run twice, put the line "-- capstan: repeatable" before it in the file. Then try again.`,
    { script, version, line, kind, statement: place + 1, host, port, database, happened, didNot },
  )
}
