/** Autovacuum that is off, for the instance or for a table. */

import type { HealthFinding } from '../../../contracts/health'
import type { Check } from '../check'
import { typeable } from '../words'

interface Unvacuumed extends Record<string, unknown> {
  readonly schema: string
  readonly name: string
  readonly shown: string
  /** What is off for the table: autovacuum_enabled, or toast.autovacuum_enabled. */
  readonly option: string
}

export const AUTOVACUUM: Check = {
  id: 'autovacuum',
  scope: 'instance',
  async find({ query }) {
    const [settings] = await query<{ off: string | null }>(
      `SELECT string_agg(name, ' and ' ORDER BY name) AS off FROM pg_catalog.pg_settings
        WHERE name IN ('autovacuum', 'track_counts') AND setting = 'off'`,
    )
    const off = settings?.off ?? null
    return { findings: off === null ? [] : [offForAll(off)] }
  },
}

export const AUTOVACUUM_OF_TABLES: Check = {
  id: 'autovacuum',
  scope: 'database',
  async find({ query, database }) {
    const rows = await query<Unvacuumed>(
      `SELECT n.nspname::text AS schema, c.relname::text AS name, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS shown, off.option
         FROM (SELECT coalesce(main.oid, c.oid) AS relation, CASE WHEN main.oid IS NULL THEN '' ELSE 'toast.' END || o.option_name AS option
                 FROM pg_catalog.pg_class c
                 CROSS JOIN LATERAL pg_options_to_table(c.reloptions) o
                 LEFT JOIN pg_catalog.pg_class main ON c.relkind = 't' AND main.reltoastrelid = c.oid
                WHERE c.relkind IN ('r', 'm', 't') AND o.option_name = 'autovacuum_enabled' AND NOT o.option_value::boolean) AS off
         JOIN pg_catalog.pg_class c ON c.oid = off.relation
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT pg_is_other_temp_schema(n.oid) ORDER BY 1, 2, 4`,
    )
    return { findings: rows.map((row) => offFor(row, database)) }
  },
}

const WHY = 'Rows that were removed keep their place: the table and its indexes grow, and get slower with every write.'

function offForAll(settings: string): HealthFinding {
  return {
    check: 'autovacuum',
    severity: 'warning',
    database: null,
    object: null,
    message: `No table is vacuumed by itself: ${settings} off.`,
    why: WHY,
    command:
      'ALTER SYSTEM RESET autovacuum; ALTER SYSTEM RESET track_counts; -- or in the cloud’s parameters; then SELECT pg_reload_conf();',
  }
}

function offFor({ schema, name, shown, option }: Unvacuumed, database: string): HealthFinding {
  return {
    check: 'autovacuum',
    severity: 'warning',
    database,
    object: { kind: 'table', schema, name },
    message: `Autovacuum is off for table ${typeable(shown)} (${option}).`,
    why: WHY,
    command: `ALTER TABLE ${typeable(shown)} RESET (${option});`,
  }
}
