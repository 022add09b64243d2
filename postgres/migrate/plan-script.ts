/** One file, down to its statements: cut, parsed and classified. Reads nothing but its argument. */
import { createHash } from 'node:crypto'
import { failure } from '../../contracts/failures'
import { createPace } from '../pace'
import { classifyStatement, type StatementClass } from './classify'
import { loadGrammar } from './grammar'
import type { ResolvedMigration } from './resolve'
import { type SourceStatement, scanStatements } from './split'
import { type ForStandbys, forStandbys } from './standby-class'

/** 16 Mi characters: the tree of a statement takes some fifty times its length in memory. */
export const STATEMENT_LENGTH_MAX = 16 * 1024 * 1024

export interface ScriptStatement extends StatementClass {
  /** 0-based. */
  readonly index: number
  /** 1-based line of its first token in the file. */
  readonly line: number
  readonly sql: string
  /** SHA-256 of its text and COPY data. */
  readonly digest: string
  readonly copyData: string | null
}

export interface PlannedMigration {
  readonly version: string | null
  readonly description: string
  readonly script: string
  readonly checksum: number
  /** The whole file and its history row are one transaction. */
  readonly transactional: boolean
  readonly statements: readonly ScriptStatement[]
  /** What it means where the database has standbys. */
  readonly standby: ForStandbys
}

/** Takes turns with whatever else the thread does, between statements. Throws MIGRATION_SYNTAX_ERROR or MIGRATION_UNSUPPORTED, with file and
 *  line. */
export async function planScript(migration: ResolvedMigration): Promise<PlannedMigration> {
  await loadGrammar()
  refusePlaceholders(migration)
  const { script, content, version, description, checksum } = migration
  const statements: ScriptStatement[] = []
  const pace = createPace()
  for (const statement of scanStatements(script, content)) {
    if (statement !== null) statements.push(planStatement(script, statement))
    await pace()
  }
  const transactional = statements.every((statement) => statement.transactional)
  if (!transactional) refuseRoles(script, statements)
  return { version, description, script, checksum, transactional, statements, standby: forStandbys(statements) }
}

function planStatement(script: string, statement: SourceStatement): ScriptStatement {
  const { index, line, sql, copyData } = statement
  if (sql.length > STATEMENT_LENGTH_MAX) {
    throw failure(
      'MIGRATION_UNSUPPORTED',
      `${script}:${line}: one statement of ${sql.length} characters, where ${STATEMENT_LENGTH_MAX} is the most: split it, or bring its rows as COPY … FROM stdin, whose data do not count.`,
      { script, line, length: sql.length },
    )
  }
  const digest = createHash('sha256')
    .update(JSON.stringify([sql, copyData]))
    .digest('hex')
  return { ...classifyStatement(script, statement), index, line, sql, digest, copyData }
}

/** Between the statements of such a file the engine keeps its records, under its own role. */
function refuseRoles(script: string, statements: readonly ScriptStatement[]): void {
  const found = statements.find(
    ({ sessionState, sql }) => sessionState && /^set\s+(?:session\s+|local\s+)?(?:role|authorization)\b/i.test(sql),
  )
  if (found === undefined) return
  throw failure(
    'MIGRATION_UNSUPPORTED',
    `${script}:${found.line}: a file with statements that cannot run in a transaction cannot change its role: put those into a file of their own.`,
    { script, line: found.line },
  )
}

/** Flyway would replace them, in strings too, and refuse unknown ones: running them as they stand would be another migration. */
function refusePlaceholders({ script, content }: ResolvedMigration): void {
  const found = /\$\{[\w.:-]+\}/.exec(content)
  if (found === null) return
  const line = content.slice(0, found.index).split(/\r\n|\r|\n/).length
  throw failure(
    'MIGRATION_UNSUPPORTED',
    `${script}:${line}: the placeholder ${found[0]} cannot be replaced yet: write its value.`,
    { script, line },
  )
}
