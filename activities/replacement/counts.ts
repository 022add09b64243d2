/** Rows counted on both sides, where they are not compared: of the instance's other databases, and of tables that could not be. */
import { Failure } from '../../contracts/failures'
import type { CountedTable, DeltaReport } from '../../contracts/replace'
import { ServerError } from '../../postgres/connect/errors'
import { inTransaction, type Session } from '../../postgres/connect/session'
import { VENDORS } from '../../postgres/fence/databases'
import { CLOSED_STATE, KEYHOLE } from '../../postgres/fence/keyhole'
import { currentAct } from '../act'

type Side = (database: string) => Promise<Session>
type Sides = { readonly live: Side; readonly copy: Side }

/** `only`: these tables; null: all. */
export interface BothDatabases {
  readonly database: string
  readonly only: readonly string[] | null
}

const COUNT_TIMEOUT_MS = 600_000

/** Neither a cloud's own, nor ours. */
async function namesIn(side: Side, declared: string): Promise<string[]> {
  const session = await side(declared)
  const rows = await session
    .query<{ name: string }>(
      `SELECT d.datname::text AS name FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles o ON o.oid = d.datdba
        WHERE d.datallowconn AND NOT d.datistemplate AND d.datname <> $1 AND NOT (o.rolsuper AND d.datname = ANY ($2::name[])) ORDER BY 1`,
      [KEYHOLE, VENDORS],
    )
    .finally(() => session.close())
  return rows.map(({ name }) => name)
}

export async function databasesOfBoth(sides: Sides, declared: string): Promise<{ both: string[]; missing: string[] }> {
  const others = async (side: Side) => (await namesIn(side, declared)).filter((name) => name !== declared)
  const [live, copy] = await Promise.all([others(sides.live), others(sides.copy)])
  return { both: live.filter((name) => copy.includes(name)), missing: live.filter((name) => !copy.includes(name)) }
}

export async function countBoth(sides: Sides, { database, only }: BothDatabases): Promise<DeltaReport['counted'][number]> {
  try {
    const [live, copy] = await Promise.all([countIn(sides.live, database), countIn(sides.copy, database)])
    const wanted = only === null || only.includes('*') ? null : only
    const tables = [...new Set([...live.keys(), ...copy.keys()])].sort().filter((table) => wanted?.includes(table) ?? true)
    const rows = tables.map((table): CountedTable => ({ table, live: live.get(table) ?? null, copy: copy.get(table) ?? null }))
    return { database, tables: rows, why: null }
  } catch (error) {
    currentAct().signal.throwIfAborted()
    if (error instanceof Failure && error.kind === 'refused') return { database, tables: [], why: error.message }
    throw error
  }
}

const TABLES = `
  SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'capstan')
   ORDER BY 1`

/** The tables of all databases; null for a database whose tables cannot be listed. */
export async function tablesOf(side: Side, declared: string): Promise<DeltaReport['listed']> {
  const listed: Record<string, readonly string[] | null> = {}
  for (const database of await namesIn(side, declared)) listed[database] = await listIn(side, database)
  return listed
}

async function listIn(side: Side, database: string): Promise<string[] | null> {
  try {
    const session = await side(database)
    return (await session.query<{ name: string }>(TABLES).finally(() => session.close())).map(({ name }) => name)
  } catch (error) {
    // gone since it was named, or closed to us
    if (error instanceof Failure && (error.kind === 'refused' || error.facts.sqlState === CLOSED_STATE)) return null
    if (error instanceof Failure && error.code === 'DATABASE_UNKNOWN') return null
    throw error
  }
}

/** Null for one that may not be read, or takes too long. */
async function countIn(side: Side, database: string): Promise<Map<string, number | null>> {
  const session = await side(database)
  try {
    const counts = new Map<string, number | null>()
    for (const { name } of await session.query<{ name: string }>(TABLES)) counts.set(name, await countOf(session, name))
    return counts
  } finally {
    await session.close()
  }
}

async function countOf(session: Session, quoted: string): Promise<number | null> {
  const { signal } = currentAct()
  try {
    return await inTransaction(
      session,
      async () => {
        await session.query(`SELECT pg_catalog.set_config('statement_timeout', $1, true)`, [`${COUNT_TIMEOUT_MS}ms`])
        const [row] = await session.query<{ rows: number }>(`SELECT count(*) AS rows FROM ONLY ${quoted}`, [], { signal })
        return row === undefined ? null : Number(row.rows)
      },
      'BEGIN READ ONLY',
    )
  } catch (error) {
    if (error instanceof ServerError) return null
    throw error
  }
}
