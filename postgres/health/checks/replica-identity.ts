/** Tables that logical replication could not carry updates and deletes of. A partition is told with its root. */
import type { Check } from '../check'
import { lacksIdentity } from '../lacks-identity'
import { typeable } from '../words'

interface Anonymous extends Record<string, unknown> {
  readonly schema: string
  readonly name: string
  readonly shown: string
  readonly identity: 'd' | 'n' | 'i'
  /** It has a primary key, though one that cannot be used. */
  readonly keyed: boolean
}

const REASONS: Record<Anonymous['identity'], string> = {
  d: 'has no primary key',
  n: 'has its replica identity set to NOTHING',
  i: 'has lost the index that was its replica identity',
}

export const REPLICA_IDENTITY: Check = {
  id: 'replica-identity',
  scope: 'database',
  async find({ query, database }) {
    const rows = await query<Anonymous>(
      `SELECT n.nspname::text AS schema, c.relname::text AS name, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS shown,
              c.relreplident::text AS identity, EXISTS (SELECT FROM pg_catalog.pg_index k WHERE k.indrelid = c.oid AND k.indisprimary) AS keyed
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
          AND n.nspname NOT IN ('pg_catalog', 'information_schema')
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_publication_tables t
                            JOIN pg_catalog.pg_publication p ON p.pubname = t.pubname AND (p.pubupdate OR p.pubdelete)
                           WHERE t.schemaname = n.nspname AND t.tablename = c.relname)
          AND ${lacksIdentity('c')}
        ORDER BY 1, 2`,
    )
    return {
      findings: rows.map(({ schema, name, shown, identity, keyed }) => ({
        check: 'replica-identity',
        severity: 'note',
        database,
        object: { kind: 'table', schema, name },
        message: `Table ${typeable(shown)} ${identity === 'd' && keyed ? 'has a primary key that can be deferred or is not valid' : REASONS[identity]}.`,
        why: 'Logical replication, and so a switchover to another cloud, cannot carry its updates and deletes; a row that is there twice cannot be told apart.',
        command: `ALTER TABLE ${typeable(shown)} ADD PRIMARY KEY (…); -- or, until there is one, REPLICA IDENTITY FULL`,
      })),
    }
  },
}
