/** Tables that a publication publishes updates or deletes of, and that have no replica identity: PostgreSQL refuses these statements. */
import type { Check } from '../check'
import { lacksIdentity } from '../lacks-identity'
import { typeable } from '../words'

interface Published extends Record<string, unknown> {
  readonly schema: string
  readonly name: string
  readonly shown: string
  readonly publications: string
}

/** A partition is published with its root, and is what rows are updated in. */
const PUBLISHED_SQL = `
  WITH RECURSIVE published (publication, relation) AS (
    SELECT p.pubname, c.oid FROM pg_catalog.pg_publication p
      JOIN pg_catalog.pg_publication_tables pt ON pt.pubname = p.pubname
      JOIN pg_catalog.pg_namespace n ON n.nspname = pt.schemaname
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = pt.tablename
     WHERE p.pubupdate OR p.pubdelete
    UNION
    SELECT publication, h.inhrelid FROM published JOIN pg_catalog.pg_inherits h ON h.inhparent = relation
      JOIN pg_catalog.pg_class child ON child.oid = h.inhrelid AND child.relispartition)
  SELECT n.nspname::text AS schema, c.relname::text AS name, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS shown,
         string_agg(quote_ident(publication), ', ' ORDER BY publication) AS publications
    FROM published JOIN pg_catalog.pg_class c ON c.oid = relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind = 'r' AND ${lacksIdentity('c')}
   GROUP BY 1, 2, 3 ORDER BY 1, 2`

export const PUBLISHED_TABLES: Check = {
  id: 'published-tables',
  scope: 'database',
  async find({ query, database }) {
    const rows = await query<Published>(PUBLISHED_SQL)
    return {
      findings: rows.map(({ schema, name, shown, publications }) => ({
        check: 'published-tables',
        severity: 'critical',
        database,
        object: { kind: 'table', schema, name },
        message: `Table ${typeable(shown)} is published (${typeable(publications)}) and has no replica identity.`,
        why: 'Every UPDATE and DELETE of it that the publication should carry fails.',
        command: `ALTER TABLE ${typeable(shown)} REPLICA IDENTITY FULL; -- at once; a primary key is better`,
      })),
    }
  },
}
