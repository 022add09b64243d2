/** Schema fingerprint, version 1: one SHA-256 over everything that migrations shape, and a digest per object so that a difference has a
 *  name. It has to agree between PostgreSQL 15 and 17 and between a database and its restored copy. So it is made of catalog columns by
 *  name, never of oids or `pg_get_*def` texts. Expressions and view queries exist in the catalogs only as node trees of one major version;
 *  they are printed by PostgreSQL under an empty search path and then compared as parse trees (`normalize.ts`).
 *
 *  Covered: schemas, extensions (by name), types, tables, columns, defaults, constraints, indexes, views, functions, triggers, rules,
 *  policies, sequences, statistics objects, grants. Left out: owners, comments, extension versions and members, publications and
 *  subscriptions, operators, casts, text search, foreign servers, the history table, the schema `capstan`, and sequence positions. */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../../contracts/canonical-json'
import { inTransaction, type Session } from '../connect/session'
import { loadGrammar } from '../migrate/grammar'
import { DEFAULT_HISTORY, type HistoryLocation } from '../migrate/history'
import { createPace } from '../pace'
import { CATALOG_QUERIES, type CatalogRow } from './catalog-queries'
import { normalExpression, normalStatement } from './normalize'

export interface SchemaObject {
  /** Kind and name: `index public.orders_status_idx`. Unique. */
  readonly id: string
  /** First 16 hexadecimal digits of the SHA-256 of its definition. */
  readonly digest: string
}

export interface SchemaDescription {
  readonly version: 1
  /** 64 hexadecimal digits. */
  readonly fingerprint: string
  /** Sorted by id. */
  readonly objects: readonly SchemaObject[]
}

export interface FingerprintOptions {
  readonly history?: HistoryLocation
  /** Who follows, for a source and its standby: roles whose grants do not count, and then neither does whether an event trigger is enabled, since on a standby it is not.
   *  To be held against a description without them as well. */
  readonly withoutGrantee?: string | readonly string[]
  readonly signal?: AbortSignal
}

/** Throws the signal's reason once it is aborted. */
export async function describeSchema(session: Session, options: FingerprintOptions = {}): Promise<SchemaDescription> {
  options.signal?.throwIfAborted()
  await loadGrammar()
  const rows = await inTransaction(
    session,
    () => readCatalogs(session, options),
    'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
  )
  const objects: SchemaObject[] = []
  const pace = createPace()
  for (const { kind, name, facts, expressions, statements } of rows) {
    const definition = {
      ...(options.withoutGrantee === undefined ? facts : asFollowed({ kind, facts }, options.withoutGrantee)),
      expressions: (expressions ?? []).map(normalExpression),
      statements: (statements ?? []).map(normalStatement),
    }
    objects.push({ id: `${kind} ${name}`, digest: sha256(canonicalJson(definition)).slice(0, 16) })
    await pace()
    options.signal?.throwIfAborted()
  }
  objects.sort((a, b) => (a.id < b.id ? -1 : 1))
  return { version: 1, fingerprint: sha256(canonicalJson({ version: 1, objects })), objects }
}

function asFollowed(
  { kind, facts }: Pick<CatalogRow, 'kind' | 'facts'>,
  followers: string | readonly string[],
): CatalogRow['facts'] {
  return kind === 'event trigger' ? { ...facts, enabled: null } : withoutGrants(facts, followers)
}

/** As the catalog queries have them: `[role, privilege, grantable]`, or null where there is none. */
function withoutGrants(facts: CatalogRow['facts'], grantee: string | readonly string[]): CatalogRow['facts'] {
  if (!Array.isArray(facts.grants)) return facts
  const left = typeof grantee === 'string' ? [grantee] : grantee
  const others = facts.grants.filter(([role]: readonly unknown[]) => !left.includes(String(role)))
  return { ...facts, grants: others.length === 0 ? null : others }
}

/** 64 hexadecimal digits. */
export async function schemaFingerprint(session: Session, options: FingerprintOptions = {}): Promise<string> {
  return (await describeSchema(session, options)).fingerprint
}

async function readCatalogs(session: Session, { history = DEFAULT_HISTORY, signal }: FingerprintOptions): Promise<CatalogRow[]> {
  // An empty path makes PostgreSQL print every name with its schema.
  await session.execute(`SET LOCAL search_path = ''`)
  const rows: CatalogRow[] = []
  for (const sql of CATALOG_QUERIES) {
    const found = await session.query<CatalogRow>(sql, sql.includes('$1') ? [history.schema, history.table] : [], { signal })
    rows.push(...found)
  }
  return rows
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** What differs, one line each, at most `limit` (default 20) and then how many more: `index public.orders_status_idx: only on canary`. */
export function diffFingerprints(
  a: SchemaDescription,
  b: SchemaDescription,
  options: { readonly names?: readonly [string, string]; readonly limit?: number } = {},
): string[] {
  const [nameA, nameB] = options.names ?? ['the first', 'the second']
  const limit = options.limit ?? 20
  const digests = new Map(b.objects.map(({ id, digest }) => [id, digest]))
  const lines: string[] = []
  for (const { id, digest } of a.objects) {
    const other = digests.get(id)
    digests.delete(id)
    if (other === undefined) lines.push(`${id}: only on ${nameA}`)
    else if (other !== digest) lines.push(`${id}: differs`)
  }
  for (const id of digests.keys()) lines.push(`${id}: only on ${nameB}`)
  lines.sort()
  return lines.length <= limit ? lines : [...lines.slice(0, limit), `and ${lines.length - limit} more`]
}
