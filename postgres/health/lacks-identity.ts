/** Whether a table has what logical replication needs to name a row that was updated or deleted (manual, "Replica Identity"). */

/** SQL that is true of a row `table` of pg_class without a replica identity. A primary key that can be deferred is none. */
export const lacksIdentity = (table: string): string => `(
  ${table}.relreplident = 'n'
  OR (${table}.relreplident = 'd' AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = ${table}.oid AND i.indisprimary AND i.indisvalid AND i.indimmediate))
  OR (${table}.relreplident = 'i' AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = ${table}.oid AND i.indisreplident AND i.indisvalid)))`
