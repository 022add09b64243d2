/** What the role by which a standby comes may read of a table, as conditions of a row `c` of pg_class and a row `r` of pg_roles. Asked before a standby is made,
 *  and before one is seeded anew: tables may have come in between, and policies. */

/** A copy that may not read its table fails, and is made again without end. */
export const MAY_READ = `(has_table_privilege(r.oid, c.oid, 'SELECT') AND has_schema_privilege(r.oid, c.relnamespace, 'USAGE'))`

/** Whom a table's policies hide rows from: neither its owner nor who may bypass them, nor whom one policy shows everything and no other holds back. */
export const ROWS_HIDDEN = `(c.relrowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls
     AND (c.relforcerowsecurity OR NOT pg_has_role(r.oid, c.relowner, 'USAGE'))
     AND NOT (
       EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('r', '*')
                  AND (0::oid = ANY (p.polroles) OR r.oid = ANY (p.polroles)) AND pg_get_expr(p.polqual, p.polrelid) = 'true')
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive AND p.polcmd IN ('r', '*'))))`
