/** What other concurrent statements leave behind when they are interrupted, and whether there is anything left to run. */
import { quoteIdentifier, quoteQualified } from '../connect/quote'
import type { Session } from '../connect/session'
import { asList, asNode, asText, parseStatements } from './grammar'
import type { ScriptStatement } from './plan-script'

/** True when the interrupted statement turns out to have finished. Called only where its intent was recorded. */
export async function prepareConcurrent(session: Session, statement: ScriptStatement): Promise<boolean> {
  if (statement.kind === 'DROP INDEX CONCURRENTLY') return allGone(session, statement.relations)
  if (statement.kind.startsWith('REINDEX')) await dropReindexRemains(session, statement.relations)
  if (statement.kind === 'ALTER TABLE CONCURRENTLY') return finishDetach(session, statement)
  return false
}

async function allGone(session: Session, names: readonly string[]): Promise<boolean> {
  for (const name of names) {
    const [row] = await session.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [quoted(name)])
    if (row?.found === true) return false
  }
  return names.length > 0
}

/** REINDEX CONCURRENTLY builds beside the old index under the suffix `_ccnew` and drops `_ccold`; either may stay, invalid. */
async function dropReindexRemains(session: Session, names: readonly string[]): Promise<void> {
  const rows = await session.query<{ schema: string; name: string }>(
    `SELECT DISTINCT n.nspname AS schema, c.relname AS name
       FROM unnest($1::text[]) AS given(name)
       JOIN pg_catalog.pg_index named ON to_regclass(given.name) IN (named.indexrelid, named.indrelid)
       JOIN pg_catalog.pg_index i ON i.indrelid = named.indrelid AND NOT i.indisvalid
       JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relname ~ '_cc(new|old)\\d*$'
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`,
    [names.map((name) => quoted(name))],
  )
  for (const { schema, name } of rows) await session.execute(`DROP INDEX CONCURRENTLY IF EXISTS ${quoteQualified(schema, name)}`)
}

/** A detach whose second half is missing is finished; one that is complete needs nothing. */
async function finishDetach(session: Session, statement: ScriptStatement): Promise<boolean> {
  const node = asNode(parseStatements(statement.sql)[0]?.node)
  const command = asNode(asList(node.cmds)[0]?.AlterTableCmd)
  const parent = relationText(asNode(node.relation))
  const child = relationText(asNode(asNode(asNode(command.def).PartitionCmd).name))
  const [row] = await session.query<{ pending: boolean }>(
    `SELECT inhdetachpending AS pending FROM pg_catalog.pg_inherits WHERE inhparent = to_regclass($1) AND inhrelid = to_regclass($2)`,
    [parent, child],
  )
  if (row?.pending === true) await session.execute(`ALTER TABLE ${parent} DETACH PARTITION ${child} FINALIZE`)
  return row === undefined || row.pending
}

function relationText(node: Readonly<Record<string, unknown>>): string {
  const name = asText(node.relname)
  return node.schemaname === undefined ? quoteIdentifier(name) : quoteQualified(asText(node.schemaname), name)
}

function quoted(name: string): string {
  return name.split('.').map(quoteIdentifier).join('.')
}
