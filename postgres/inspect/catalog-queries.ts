/** The catalog queries of the schema fingerprint. Each row is one object; names instead of oids everywhere, and every list ordered.
 *  Columns that only newer versions have are left out: 15 and 17 must agree. `$1`, `$2`: schema and name of the history table. */

export interface CatalogRow {
  readonly kind: string
  readonly name: string
  readonly facts: Readonly<Record<string, unknown>>
  /** As `pg_get_expr` prints them. */
  readonly expressions: readonly (string | null)[] | null
  readonly statements: readonly (string | null)[] | null
}

const USER_SCHEMA = `n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'capstan')`
/** The history table; its parameters are typed here because a query may use them nowhere else. */
const NOT_HISTORY = `NOT (n.nspname = $1::text AND c.relname = $2::text)`

function notExtension(catalog: string, oid: string): string {
  return `NOT EXISTS (SELECT FROM pg_catalog.pg_depend x WHERE x.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass
            AND x.objid = ${oid} AND x.deptype = 'e')`
}

/** Grants to others than the owner. MAINTAIN exists only since 17. */
function grants(acl: string, owner: string): string {
  return `(SELECT json_agg(json_build_array(coalesce(r.rolname, 'PUBLIC'), g.privilege_type, g.is_grantable)
             ORDER BY coalesce(r.rolname, 'PUBLIC'), g.privilege_type)
             FROM pg_catalog.aclexplode(${acl}) g LEFT JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
            WHERE g.grantee <> ${owner} AND g.privilege_type <> 'MAINTAIN')`
}

/** A type by name with its modifier. */
function typeName(oid: string, modifier: string): string {
  return `(SELECT json_build_array(tn.nspname, t.typname, ${modifier}) FROM pg_catalog.pg_type t
            JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace WHERE t.oid = ${oid})`
}

function columnNames(relation: string, numbers: string): string {
  return `(SELECT json_agg(named.attname ORDER BY listed.position) FROM unnest(${numbers}::int2[]) WITH ORDINALITY AS listed(number, position)
            LEFT JOIN pg_catalog.pg_attribute named
              ON named.attrelid = ${relation} AND named.attnum = listed.number AND listed.number <> 0)`
}

const COLLATION = (oid: string) =>
  `(SELECT cn.nspname || '.' || co.collname FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
     WHERE co.oid = ${oid})`

const SCHEMAS = `
  SELECT 'schema' AS kind, n.nspname AS name, json_build_object('grants', ${grants('n.nspacl', 'n.nspowner')}) AS facts
    FROM pg_catalog.pg_namespace n WHERE ${USER_SCHEMA} AND ${notExtension('pg_namespace', 'n.oid')}`

const EXTENSIONS = `
  SELECT 'extension' AS kind, e.extname AS name, json_build_object('schema', n.nspname) AS facts
    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace`

const TYPES = `
  SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range' ELSE 'composite' END AS kind,
         n.nspname || '.' || t.typname AS name,
         json_build_object(
           'labels', (SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid),
           'base', ${typeName('d.typbasetype', 'd.typtypmod')}, 'notNull', t.typnotnull, 'collation', ${COLLATION('t.typcollation')},
           'subtype', (SELECT ${typeName('r.rngsubtype', '-1')} FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid),
           'grants', ${grants('t.typacl', 't.typowner')}) AS facts,
         array[pg_catalog.pg_get_expr(t.typdefaultbin, 0)] AS expressions
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    JOIN LATERAL (SELECT t.typbasetype, t.typtypmod) d ON true
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
   WHERE ${USER_SCHEMA} AND ${notExtension('pg_type', 't.oid')}
     AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))`

const TABLES = `
  SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind,
         n.nspname || '.' || c.relname AS name,
         json_build_object('relkind', c.relkind, 'persistence', c.relpersistence, 'method', am.amname,
           'options', (SELECT json_agg(o ORDER BY o) FROM unnest(c.reloptions) o),
           'rowSecurity', c.relrowsecurity, 'forceRowSecurity', c.relforcerowsecurity, 'replicaIdentity', c.relreplident,
           'partitionBy', (SELECT json_build_array(p.partstrat, ${columnNames('c.oid', 'p.partattrs')})
                             FROM pg_catalog.pg_partitioned_table p WHERE p.partrelid = c.oid),
           'parents', (SELECT json_agg(pn.nspname || '.' || pc.relname ORDER BY i.inhseqno) FROM pg_catalog.pg_inherits i
                         JOIN pg_catalog.pg_class pc ON pc.oid = i.inhparent JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace
                        WHERE i.inhrelid = c.oid),
           'grants', ${grants('c.relacl', 'c.relowner')}) AS facts,
         array[(SELECT pg_catalog.pg_get_expr(p.partexprs, p.partrelid) FROM pg_catalog.pg_partitioned_table p WHERE p.partrelid = c.oid)]
           AS expressions,
         array[CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END,
               pg_catalog.pg_get_expr(c.relpartbound, c.oid)] AS statements
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
   WHERE ${USER_SCHEMA} AND ${NOT_HISTORY} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${notExtension('pg_class', 'c.oid')}`

/** Positions are counted without the columns that were dropped. */
const COLUMNS = `
  SELECT 'column' AS kind, n.nspname || '.' || c.relname || '.' || a.attname AS name,
         json_build_object('position', row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum),
           'type', ${typeName('a.atttypid', 'a.atttypmod')}, 'notNull', a.attnotnull, 'identity', a.attidentity, 'generated', a.attgenerated,
           'storage', a.attstorage, 'collation', ${COLLATION('a.attcollation')},
           'options', (SELECT json_agg(o ORDER BY o) FROM unnest(a.attoptions) o), 'grants', ${grants('a.attacl', 'c.relowner')}) AS facts,
         array[pg_catalog.pg_get_expr(d.adbin, d.adrelid)] AS expressions
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE ${USER_SCHEMA} AND ${NOT_HISTORY} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped
     AND ${notExtension('pg_class', 'c.oid')}`

/** NOT NULL rows (18) are left out: the columns say it. */
const CONSTRAINTS = `
  SELECT 'constraint' AS kind, n.nspname || '.' || coalesce(c.relname, t.typname) || '.' || k.conname AS name,
         json_build_object('type', k.contype, 'deferrable', k.condeferrable, 'deferred', k.condeferred, 'validated', k.convalidated,
           'noInherit', k.connoinherit, 'columns', ${columnNames('k.conrelid', 'k.conkey')},
           'references', (SELECT rn.nspname || '.' || rc.relname FROM pg_catalog.pg_class rc
                            JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace WHERE rc.oid = k.confrelid),
           'referenced', ${columnNames('k.confrelid', 'k.confkey')},
           'actions', json_build_array(k.confupdtype, k.confdeltype, k.confmatchtype),
           'operators', (SELECT json_agg(o.oprname ORDER BY e.position) FROM unnest(k.conexclop) WITH ORDINALITY AS e(oid, position)
                           JOIN pg_catalog.pg_operator o ON o.oid = e.oid)) AS facts,
         array[pg_catalog.pg_get_expr(k.conbin, k.conrelid)] AS expressions
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
    LEFT JOIN pg_catalog.pg_class c ON c.oid = k.conrelid LEFT JOIN pg_catalog.pg_type t ON t.oid = k.contypid
   WHERE ${USER_SCHEMA} AND (c.oid IS NULL OR ${NOT_HISTORY}) AND k.contype IN ('c', 'f', 'p', 'u', 'x')
     AND ${notExtension('pg_class', 'k.conrelid')} AND ${notExtension('pg_type', 'k.contypid')}`

const INDEXES = `
  SELECT 'index' AS kind, n.nspname || '.' || i.relname AS name,
         json_build_object('table', c.relname, 'method', am.amname, 'unique', x.indisunique, 'primary', x.indisprimary,
           'exclusion', x.indisexclusion, 'immediate', x.indimmediate, 'clustered', x.indisclustered, 'valid', x.indisvalid,
           'ready', x.indisready, 'replicaIdentity', x.indisreplident,
           'nullsNotDistinct', coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::bool, false), 'keyCount', x.indnkeyatts,
           'columns', ${columnNames('x.indrelid', 'x.indkey')}, 'order', array_to_json(x.indoption::int2[]),
           'classes', (SELECT json_agg(oc.opcname ORDER BY k.position) FROM unnest(x.indclass::oid[]) WITH ORDINALITY AS k(oid, position)
                         JOIN pg_catalog.pg_opclass oc ON oc.oid = k.oid),
           'collations', (SELECT json_agg(${COLLATION('k.oid')} ORDER BY k.position)
                            FROM unnest(x.indcollation::oid[]) WITH ORDINALITY AS k(oid, position)),
           'options', (SELECT json_agg(o ORDER BY o) FROM unnest(i.reloptions) o)) AS facts,
         array[pg_catalog.pg_get_expr(x.indexprs, x.indrelid), pg_catalog.pg_get_expr(x.indpred, x.indrelid)] AS expressions
    FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid JOIN pg_catalog.pg_class c ON c.oid = x.indrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = i.relnamespace JOIN pg_catalog.pg_am am ON am.oid = i.relam
   WHERE ${USER_SCHEMA} AND ${NOT_HISTORY} AND ${notExtension('pg_class', 'c.oid')}`

const SEQUENCES = `
  SELECT 'sequence' AS kind, n.nspname || '.' || c.relname AS name,
         json_build_object('type', ${typeName('s.seqtypid', '-1')}, 'start', s.seqstart::text, 'increment', s.seqincrement::text,
           'min', s.seqmin::text, 'max', s.seqmax::text, 'cache', s.seqcache::text, 'cycle', s.seqcycle,
           'ownedBy', (SELECT json_build_array(o.relname, a.attname) FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class o ON o.oid = d.refobjid
                         JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
                          AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0),
           'grants', ${grants('c.relacl', 'c.relowner')}) AS facts
    FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE ${USER_SCHEMA} AND ${notExtension('pg_class', 'c.oid')}`

const FUNCTIONS = `
  SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind,
         n.nspname || '.' || p.proname || '(' || coalesce((SELECT string_agg(tn.nspname || '.' || t.typname, ', ' ORDER BY k.position)
           FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS k(oid, position) JOIN pg_catalog.pg_type t ON t.oid = k.oid
           JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace), '') || ')' AS name,
         json_build_object('returns', ${typeName('p.prorettype', '-1')}, 'set', p.proretset, 'language', l.lanname, 'source', p.prosrc,
           'volatile', p.provolatile, 'strict', p.proisstrict, 'definer', p.prosecdef, 'leakproof', p.proleakproof,
           'parallel', p.proparallel, 'cost', p.procost, 'rows', p.prorows, 'names', to_json(p.proargnames), 'modes', to_json(p.proargmodes),
           'config', to_json(p.proconfig), 'body', regexp_replace(pg_catalog.pg_get_function_sqlbody(p.oid), '\\s+', ' ', 'g'),
           'grants', ${grants(`coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))`, 'p.proowner')}) AS facts,
         array[pg_catalog.pg_get_expr(p.proargdefaults, 0)] AS expressions
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang
   WHERE ${USER_SCHEMA} AND ${notExtension('pg_proc', 'p.oid')}`

/** A trigger's WHEN refers to OLD and NEW, which only pg_get_triggerdef can print; its statement is parsed like a view's. Not the guard of a database that follows
 *  (replicate/guard.ts), which only one side of a pair has. */
const TRIGGERS = `
  SELECT 'trigger' AS kind, n.nspname || '.' || c.relname || '.' || g.tgname AS name,
         json_build_object('enabled', g.tgenabled, 'type', g.tgtype, 'deferrable', g.tgdeferrable, 'deferred', g.tginitdeferred) AS facts,
         array[pg_catalog.pg_get_triggerdef(g.oid)] AS statements
    FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE NOT g.tgisinternal AND g.tgname <> 'capstan_follows' AND ${USER_SCHEMA} AND ${notExtension('pg_class', 'c.oid')}`

const RULES = `
  SELECT 'rule' AS kind, n.nspname || '.' || c.relname || '.' || r.rulename AS name,
         json_build_object('event', r.ev_type, 'enabled', r.ev_enabled, 'instead', r.is_instead) AS facts,
         array[pg_catalog.pg_get_ruledef(r.oid)] AS statements
    FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE r.rulename <> '_RETURN' AND ${USER_SCHEMA} AND ${notExtension('pg_class', 'c.oid')}`

const POLICIES = `
  SELECT 'policy' AS kind, n.nspname || '.' || c.relname || '.' || p.polname AS name,
         json_build_object('command', p.polcmd, 'permissive', p.polpermissive,
           'roles', (SELECT json_agg(coalesce(r.rolname, 'PUBLIC') ORDER BY coalesce(r.rolname, 'PUBLIC'))
                       FROM unnest(p.polroles) AS k(oid) LEFT JOIN pg_catalog.pg_roles r ON r.oid = k.oid)) AS facts,
         array[pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)] AS expressions
    FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE ${USER_SCHEMA}`

const STATISTICS = `
  SELECT 'statistics' AS kind, n.nspname || '.' || s.stxname AS name,
         json_build_object('table', c.relname, 'kinds', array_to_json(s.stxkind), 'columns', ${columnNames('s.stxrelid', 's.stxkeys')}) AS facts,
         array[pg_catalog.pg_get_expr(s.stxexprs, s.stxrelid)] AS expressions
    FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace JOIN pg_catalog.pg_class c ON c.oid = s.stxrelid
   WHERE ${USER_SCHEMA}`

const EVENT_TRIGGERS = `
  SELECT 'event trigger' AS kind, e.evtname AS name,
         json_build_object('event', e.evtevent, 'enabled', e.evtenabled, 'tags', to_json(e.evttags),
           'function', (SELECT n.nspname || '.' || p.proname FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                         WHERE p.oid = e.evtfoid)) AS facts
    FROM pg_catalog.pg_event_trigger e WHERE ${notExtension('pg_event_trigger', 'e.oid')}`

export const CATALOG_QUERIES: readonly string[] = [
  SCHEMAS,
  EXTENSIONS,
  TYPES,
  TABLES,
  COLUMNS,
  CONSTRAINTS,
  INDEXES,
  SEQUENCES,
  FUNCTIONS,
  TRIGGERS,
  RULES,
  POLICIES,
  STATISTICS,
  EVENT_TRIGGERS,
]
