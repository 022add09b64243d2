/** Which relations of a database can be damaged, with what is needed to check them. Reads catalogs only. */
import type { Session } from '../connect/session'

export interface Relation extends Record<string, unknown> {
  readonly oid: number
  readonly kind: 'index' | 'heap'
  /** `schema.name`; for a TOAST table or its index with the table whose it is. */
  readonly name: string
  /** Its access method; of a sequence, `heap`. */
  readonly method: string
  readonly unique: boolean
  /** An index that PostgreSQL uses. */
  readonly usable: boolean
}

/** The largest first. Not the temporary ones, which no copy has. */
export function relationsOf(session: Session): Promise<Relation[]> {
  return session.query<Relation>(RELATIONS)
}

const RELATIONS = `
  SELECT c.oid::bigint AS oid, CASE c.relkind WHEN 'i' THEN 'index' ELSE 'heap' END AS kind,
         quote_ident(n.nspname) || '.' || quote_ident(c.relname) ||
           CASE WHEN o.oid IS NULL THEN '' ELSE ' of ' || quote_ident(tn.nspname) || '.' || quote_ident(o.relname) END AS name,
         coalesce(am.amname::text, 'heap') AS method, coalesce(i.indisunique, false) AS unique,
         coalesce(i.indisvalid AND i.indisready, true) AS usable
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_am am ON am.oid = c.relam
    LEFT JOIN pg_index i ON i.indexrelid = c.oid
    LEFT JOIN pg_class o ON c.relnamespace = 'pg_toast'::regnamespace AND o.reltoastrelid = coalesce(i.indrelid, c.oid)
    LEFT JOIN pg_namespace tn ON tn.oid = o.relnamespace
   WHERE c.relkind IN ('r', 'm', 't', 'S', 'i') AND c.relpersistence <> 't'
   ORDER BY c.relpages DESC, c.oid`
