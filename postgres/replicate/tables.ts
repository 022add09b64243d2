/** Tables as lists name them: `schema.table`, each part quoted as PostgreSQL reads it, so that no list depends on a search path. */
import { failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { quoteQualified } from '../connect/quote'
import type { Session } from '../connect/session'

export interface NamedTable {
  /** As it was asked for. */
  readonly name: string
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly partitioned: boolean
}

/** In the given order. Throws OPTION_INVALID for what is no such name, DATABASE_REFUSED for what is not there or is no table. */
export async function resolveTables(session: Session, names: readonly string[]): Promise<readonly NamedTable[]> {
  const rows = await look(session, names)
  const missing = rows.filter(({ oid }) => oid === null).map(({ name }) => name)
  if (missing.length > 0) {
    const { database, host } = session.endpoint
    throw failure(
      'DATABASE_REFUSED',
      `There is no table ${shownList(missing)} in ${database} on ${host}: the list was made of another schema; plan again.`,
      { database, host, missing: missing.length },
    )
  }
  return rows.flatMap((row) => (row.oid === null ? [] : [{ ...row, oid: row.oid }]))
}

async function look(session: Session, names: readonly string[]): Promise<(Omit<NamedTable, 'oid'> & { oid: number | null })[]> {
  try {
    return await session.query(
      `SELECT w.name, c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS "table", c.relkind = 'p' AS partitioned
         FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS w(name, position)
         LEFT JOIN pg_catalog.pg_class c ON c.relkind IN ('r', 'p')
           AND c.oid = CASE WHEN pg_catalog.cardinality(pg_catalog.parse_ident(w.name)) = 2 THEN pg_catalog.to_regclass(w.name) END
         LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        ORDER BY w.position`,
      [names],
    )
  } catch (error) {
    // invalid_parameter_value, invalid_name, syntax_error
    if (!(error instanceof ServerError) || !['22023', '42602', '42601'].includes(error.sqlState)) throw error
    throw failure(
      'OPTION_INVALID',
      'A table of the list is not named as schema.table, each quoted as PostgreSQL reads it.',
      {},
      { cause: error },
    )
  }
}

/** As TRUNCATE and publications take it: a table alone, without those that inherit from it; a partitioned one has nothing without its partitions. */
export function alone({ schema, table, partitioned }: NamedTable): string {
  return `${partitioned ? '' : 'ONLY '}${quoteQualified(schema, table)}`
}

export function shownList(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
}
