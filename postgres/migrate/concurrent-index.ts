/** CREATE INDEX CONCURRENTLY that was interrupted leaves an invalid index: writes pay for it, no query uses it, and IF NOT EXISTS takes it
 *  for the real one. Before a build (again) the index is looked up: invalid → dropped, valid and ours → adopted. */
import { failure } from '../../contracts/failures'
import { quoteIdentifier, quoteQualified } from '../connect/quote'
import type { Session } from '../connect/session'
import type { ConcurrentIndex, RelationName } from './classify'
import { recordHealing } from './healed-indexes'
import type { PlannedMigration, ScriptStatement } from './plan-script'
import type { RunContext } from './run-context'

interface FoundIndex {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly valid: boolean
  readonly ofConstraint: boolean
  readonly unique: boolean
  readonly method: string
  readonly partial: boolean
  readonly keys: readonly (string | null)[]
}

/** What to remember before the build: the indexes that the table has already. */
export async function indexFacts(session: Session, { concurrentIndex }: ScriptStatement): Promise<Record<string, unknown>> {
  if (concurrentIndex === null) return {}
  return { indexesBefore: (await indexesOf(session, concurrentIndex.table)).map(({ oid }) => oid) }
}

/** True when the index stands and was built by the interrupted attempt. Otherwise the build may start. */
export async function prepareIndex(
  context: RunContext,
  migration: PlannedMigration,
  { concurrentIndex }: ScriptStatement,
  facts: Readonly<Record<string, unknown>>,
  interrupted: boolean,
): Promise<boolean> {
  if (concurrentIndex === null) return false
  for (;;) {
    const found = await findIndex(context.work, concurrentIndex, facts)
    if (found === null) return false
    const label = `${found.schema}.${found.name}`
    if (found.valid) {
      if (!interrupted || before(facts).includes(found.oid) || !sameDefinition(found, concurrentIndex)) return false
      context.emit({ type: 'index-adopted', script: migration.script, index: label })
      return true
    }
    if (found.ofConstraint) return false
    // A build that goes on without its client may yet finish: look again once it is ended.
    if (await endBuilders(context.work, found)) continue
    await recordHealing(context, migration.script, label)
    await dropConcurrently(context.work, found)
    context.emit({ type: 'index-healed', script: migration.script, index: label })
    return false
  }
}

/** After a build that failed for good: an invalid unique index would still refuse writes. */
export async function dropInvalidIndex(
  context: RunContext,
  migration: PlannedMigration,
  { concurrentIndex }: ScriptStatement,
  facts: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (concurrentIndex === null) return
  const found = await findIndex(context.work, concurrentIndex, facts)
  if (found === null || found.valid || found.ofConstraint || before(facts).includes(found.oid)) return
  await dropConcurrently(context.work, found)
  context.emit({ type: 'index-removed', script: migration.script, index: `${found.schema}.${found.name}` })
}

async function dropConcurrently(session: Session, { schema, name }: FoundIndex): Promise<void> {
  await session.execute(`DROP INDEX CONCURRENTLY IF EXISTS ${quoteQualified(schema, name)}`)
}

function before(facts: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Array.isArray(facts.indexesBefore) ? facts.indexesBefore : []
}

/** By name; without one, the index that the table did not have before. */
async function findIndex(
  session: Session,
  index: ConcurrentIndex,
  facts: Readonly<Record<string, unknown>>,
): Promise<FoundIndex | null> {
  const all = await indexesOf(session, index.table)
  const found = all.filter(({ name, oid }) => (index.name === null ? !before(facts).includes(oid) : name === index.name))
  return found.find(({ valid }) => !valid) ?? found[0] ?? null
}

async function indexesOf(session: Session, table: RelationName): Promise<FoundIndex[]> {
  const name = table.schema === null ? quoteIdentifier(table.name) : quoteQualified(table.schema, table.name)
  return await session.query<FoundIndex>(
    `SELECT i.indexrelid::int8 AS oid, n.nspname AS schema, c.relname AS name, i.indisvalid AND i.indisready AS valid, i.indisunique AS unique,
            am.amname AS method, i.indpred IS NOT NULL AS partial,
            EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid) AS "ofConstraint",
            (SELECT json_agg(a.attname ORDER BY k.position)
               FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, position)
               LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number AND k.number <> 0
              WHERE k.position <= i.indnkeyatts) AS keys
       FROM pg_catalog.pg_index i
       JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_catalog.pg_am am ON am.oid = c.relam
      WHERE i.indrelid = to_regclass($1) AND c.relkind = 'i' ORDER BY i.indexrelid`,
    [name],
  )
}

/** As far as names tell; operator classes and expressions are not compared, since name, table and time already agree. */
function sameDefinition(found: FoundIndex, wanted: ConcurrentIndex): boolean {
  return (
    found.unique === wanted.unique &&
    found.method === wanted.method &&
    found.partial === wanted.partial &&
    found.keys.length === wanted.keys.length &&
    found.keys.every((key, i) => key === wanted.keys[i])
  )
}

/** Ends a backend of ours that still builds the index: we hold the migration lock, so its own run is dead. True when there was one.
 *  Throws MIGRATION_LOCK_HELD when somebody else builds it. */
async function endBuilders(session: Session, { oid, schema, name }: FoundIndex): Promise<boolean> {
  const builders = await session.query<{ pid: number; application: string; ours: boolean }>(
    `SELECT p.pid, a.application_name AS application, a.application_name ~ '^c\\d+\\.\\d+ ' AS ours
       FROM pg_catalog.pg_stat_progress_create_index p JOIN pg_catalog.pg_stat_activity a USING (pid)
      WHERE p.index_relid = $1::int8::oid AND p.pid <> pg_backend_pid()`,
    [oid],
  )
  const foreign = builders.find(({ ours }) => !ours)
  if (foreign !== undefined) {
    throw failure(
      'MIGRATION_LOCK_HELD',
      `Process ${foreign.pid} (${foreign.application || 'no application name'}) is building ${schema}.${name} right now: let it end, then try again.`,
      { pid: foreign.pid, application: foreign.application, index: `${schema}.${name}` },
    )
  }
  const wait = session.serverVersionNum >= 140_000 ? ', 10000' : ''
  for (const { pid } of builders) await session.query(`SELECT pg_terminate_backend($1${wait})`, [pid])
  return builders.length > 0
}
