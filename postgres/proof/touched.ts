/** Names of what was made or altered in a schema since a manifest began. A catalog keeps who wrote each of its rows; so an object of which every
 *  row is older stood all the time in between. */
import type { Session } from '../connect/session'
import { isOld } from '../verify/horizon'

/** More are as good as all. */
const NAMES_MAX = 1_000

/** Without their schemas, of relations, types, functions and others; null: too many to name. Not of temporary relations. */
export async function touchedSince(session: Session, horizon: string): Promise<readonly string[] | null> {
  const rows = await session.query<{ name: string }>(touchedSql(horizon))
  return rows.length > NAMES_MAX ? null : rows.map(({ name }) => name)
}

/** Catalogs whose rows belong to a relation, by which column. */
const OF_RELATIONS = [
  ['pg_attribute', 'attrelid'],
  ['pg_attrdef', 'adrelid'],
  ['pg_index', 'indrelid'],
  ['pg_constraint', 'conrelid'],
  ['pg_sequence', 'seqrelid'],
  ['pg_rewrite', 'ev_class'],
  ['pg_trigger', 'tgrelid'],
  ['pg_policy', 'polrelid'],
  ['pg_inherits', 'inhrelid'],
] as const

const OF_TYPES = [
  ['pg_constraint', 'contypid'],
  ['pg_enum', 'enumtypid'],
  ['pg_range', 'rngtypid'],
] as const

const NAMED = [
  ['pg_class', 'relname'],
  ['pg_namespace', 'nspname'],
  ['pg_type', 'typname'],
  ['pg_proc', 'proname'],
  ['pg_extension', 'extname'],
  ['pg_statistic_ext', 'stxname'],
] as const

function touchedSql(horizon: string): string {
  const isNew = `NOT (${isOld('x.xmin', horizon)})`
  // An index has attributes of its own; whoever changes it changes its table.
  const ofRelations = OF_RELATIONS.map(
    ([catalog, column]) =>
      `SELECT c.relname FROM pg_catalog.${catalog} x JOIN pg_catalog.pg_class c ON c.oid = x.${column} WHERE c.relpersistence <> 't' AND ${isNew}`,
  )
  const ofTypes = OF_TYPES.map(
    ([catalog, column]) =>
      `SELECT t.typname FROM pg_catalog.${catalog} x JOIN pg_catalog.pg_type t ON t.oid = x.${column} WHERE ${isNew}`,
  )
  const named = NAMED.map(([catalog, column]) => {
    const lasting = catalog === 'pg_class' ? `x.relpersistence <> 't' AND ` : ''
    return `SELECT x.${column} FROM pg_catalog.${catalog} x WHERE ${lasting}${isNew}`
  })
  return `SELECT DISTINCT name::text AS name FROM (${[...ofRelations, ...ofTypes, ...named].join(' UNION ALL ')}) AS r (name) LIMIT ${NAMES_MAX + 1}`
}
