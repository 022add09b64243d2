/** Progress inside a file that cannot be one transaction, kept per statement in the target itself: a crash resumes at the right one. */
import { failure } from '../../contracts/failures'
import { quoteQualified } from '../connect/quote'
import type { Session } from '../connect/session'
import type { HistoryLocation } from './history'
import type { PlannedMigration, ScriptStatement } from './plan-script'

export interface ProgressRow {
  readonly digest: string
  /** `intended`: it was about to run outside a transaction; whether it did is unknown. */
  readonly state: 'intended' | 'done'
  readonly facts: Readonly<Record<string, unknown>>
  readonly durationMs: number
}

export class ProgressLog {
  readonly #history: string

  constructor(at: HistoryLocation) {
    this.#history = quoteQualified(at.schema, at.table)
  }

  /** By statement index. Throws MIGRATION_HISTORY_INVALID when the file no longer begins with what has run. */
  async read(session: Session, migration: PlannedMigration): Promise<Map<number, ProgressRow>> {
    const rows = await session.query<ProgressRow & { index: number }>(
      `SELECT statement_index AS index, digest, state, facts, duration_ms AS "durationMs" FROM capstan.progress
        WHERE history = $1 AND script = $2 ORDER BY statement_index`,
      [this.#history, migration.script],
    )
    const progress = new Map(rows.map((row) => [row.index, row]))
    for (const [index, row] of progress) {
      const statement = migration.statements[index]
      if (statement?.digest === row.digest || row.state === 'intended') continue
      throw failure(
        'MIGRATION_HISTORY_INVALID',
        `${migration.script} was interrupted after its statement ${index + 1}, and the file now has another statement there: restore what has already run.`,
        { script: migration.script, statement: index + 1 },
      )
    }
    return progress
  }

  async intend(
    session: Session,
    script: string,
    statement: ScriptStatement,
    facts: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await this.#write(session, script, statement, 'intended', facts, 0)
  }

  async done(session: Session, script: string, statement: ScriptStatement, durationMs: number): Promise<void> {
    await this.#write(session, script, statement, 'done', {}, durationMs)
  }

  /** The statement failed for certain and left nothing: no intent stands any more. */
  async forget(session: Session, script: string, statement: ScriptStatement): Promise<void> {
    await session.query('DELETE FROM capstan.progress WHERE history = $1 AND script = $2 AND statement_index = $3', [
      this.#history,
      script,
      statement.index,
    ])
  }

  /** SQL text that finds a statement's row, for a person to use. */
  rowCondition(script: string, index: number): string {
    const text = (value: string) => `'${value.replaceAll("'", "''")}'`
    return `history = ${text(this.#history)} AND script = ${text(script)} AND statement_index = ${index}`
  }

  async #write(
    session: Session,
    script: string,
    statement: ScriptStatement,
    state: ProgressRow['state'],
    facts: Readonly<Record<string, unknown>>,
    durationMs: number,
  ): Promise<void> {
    await session.query(
      `INSERT INTO capstan.progress (history, script, statement_index, digest, state, facts, duration_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (history, script, statement_index)
       DO UPDATE SET digest = $4, state = $5, facts = $6, duration_ms = $7, changed_at = now()`,
      [this.#history, script, statement.index, statement.digest, state, JSON.stringify(facts), durationMs],
    )
  }

  /** The file is in the history now. */
  async clear(session: Session, script: string): Promise<void> {
    await session.query('DELETE FROM capstan.progress WHERE history = $1 AND script = $2', [this.#history, script])
  }
}
