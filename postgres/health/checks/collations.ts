/** Collations whose version is another than when their indexes were built: an upgrade of the operating system's library may have changed the
 *  order of texts. Only versions that PostgreSQL was told can be compared. */

import { printable } from '../../printable'
import type { Check } from '../check'
import { typeable } from '../words'

interface Changed extends Record<string, unknown> {
  /** Null: the database's own. */
  readonly schema: string | null
  readonly name: string
  readonly shown: string
  readonly was: string
  readonly is: string
}

export const COLLATIONS: Check = {
  id: 'collations',
  scope: 'database',
  async find({ query, database }) {
    const rows = await query<Changed>(
      `SELECT NULL AS schema, datname::text AS name, quote_ident(datname) AS shown, datcollversion AS was, pg_database_collation_actual_version(oid) AS is
         FROM pg_catalog.pg_database WHERE datname = current_database() AND datcollversion <> pg_database_collation_actual_version(oid)
       UNION ALL
       SELECT n.nspname::text, c.collname::text, quote_ident(n.nspname) || '.' || quote_ident(c.collname), c.collversion,
              pg_collation_actual_version(c.oid)
         FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
        WHERE c.collversion IS NOT NULL
          AND EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid >= 16384 AND c.oid = ANY (i.indcollation))
          AND c.collversion <> pg_collation_actual_version(c.oid)
        ORDER BY 1 NULLS FIRST, 2`,
    )
    return {
      findings: rows.map(({ schema, name, shown, was, is }) => {
        const kind = schema === null ? 'database' : 'collation'
        const object = `${kind === 'database' ? 'Database' : 'Collation'} ${typeable(shown)}`
        return {
          check: 'collations',
          severity: 'warning',
          database,
          object: { kind, schema, name },
          message: `${object} was made with version ${printable(was)} of its collation, and the server now has ${printable(is)}.`,
          why: 'Where the order of texts has changed, indexes over them miss rows and let duplicates in.',
          command: `REINDEX DATABASE CONCURRENTLY${kind === 'database' ? ` ${typeable(shown)}` : ''}; -- then ALTER ${kind.toUpperCase()} ${typeable(shown)} REFRESH COLLATION VERSION;`,
        }
      }),
    }
  },
}
