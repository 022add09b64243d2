/** Indexes that are not valid: what an interrupted CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY leaves, or one on a partitioned table
 *  that lacks a partition's. */

import type { HealthFinding } from '../../../contracts/health'
import type { Check } from '../check'
import { typeable } from '../words'

interface InvalidIndex extends Record<string, unknown> {
  readonly schema: string
  readonly name: string
  readonly shown: string
  readonly shownTable: string
  readonly unique: boolean
  readonly partitioned: boolean
  /** Somebody builds an index of this table right now, perhaps this one. */
  readonly building: boolean
}

export const INDEXES: Check = {
  id: 'indexes',
  scope: 'database',
  async find({ query, database }) {
    const rows = await query<InvalidIndex>(
      `SELECT n.nspname::text AS schema, c.relname::text AS name, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS shown,
              quote_ident(tn.nspname) || '.' || quote_ident(t.relname) AS "shownTable", i.indisunique AS unique, c.relkind = 'I' AS partitioned,
              EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p
                       WHERE p.datname = current_database() AND (p.relid = i.indrelid OR p.relid IS NULL)) AS building
         FROM pg_catalog.pg_index i
         JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
         JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
        WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) AND NOT pg_is_other_temp_schema(n.oid)
        ORDER BY building, partitioned, i.indisunique DESC, 1, 2`,
    )
    return { findings: rows.map((row) => told(row, database)) }
  },
}

function told(row: InvalidIndex, database: string): HealthFinding {
  const [shown, table] = [typeable(row.shown), typeable(row.shownTable)]
  const about = {
    check: 'indexes',
    database,
    object: { kind: 'index', schema: row.schema, name: row.name },
  } as const
  if (row.building) {
    return {
      ...about,
      severity: 'note',
      message: `Index ${shown} on ${table} is not valid; an index of that table may be being built right now.`,
      why: 'Once the build has ended it should be valid.',
      command: 'SELECT pid, phase, blocks_done, blocks_total FROM pg_stat_progress_create_index;',
    }
  }
  if (row.partitioned) {
    return {
      ...about,
      severity: 'note',
      message: `Index ${shown} on the partitioned table ${table} is not valid: it lacks the index of a partition.`,
      why: 'It promises nothing about the partitions that have none.',
      command: `SELECT relid FROM pg_partition_tree('${shown.replaceAll("'", "''")}'); -- then ALTER INDEX … ATTACH PARTITION`,
    }
  }
  // What REINDEX CONCURRENTLY names so is its own, beside the index that serves.
  const left = /_cc(new|old)\d*$/.test(row.name)
  return {
    ...about,
    severity: 'warning',
    message: `${row.unique ? 'Unique index' : 'Index'} ${shown} on ${table} is not valid: a build was interrupted or failed.`,
    why: `No query uses it, and every write pays for it${row.unique ? '; it does not keep what is there already unique' : ''}.`,
    command: left
      ? `DROP INDEX CONCURRENTLY ${shown};`
      : `REINDEX INDEX CONCURRENTLY ${shown};${row.unique ? ' -- once its duplicates are gone' : ''}`,
  }
}
