/** What the source publishes: a list of tables by name, never `FOR ALL TABLES`, which only a superuser may say and which would take in whatever is
 *  made later before the standby has it. To be made before the slot: what the log says before it is there cannot be read by it. */
import { failure } from '../../contracts/failures'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { behindFence, type Guarded, oneAtATime } from './behind-fence'
import { alone, type NamedTable, resolveTables } from './tables'

export interface PublicationInput extends Guarded {
  readonly name: string
  /** As `schema.table`, quoted; all that is published, ours among them. */
  readonly tables: readonly string[]
  /** Changes of partitions are told as their root's; then the roots are in the list, else the partitions. */
  readonly viaPartitionRoot: boolean
}

export interface EnsuredPublication {
  readonly made: boolean
  /** As `schema.table`, quoted. */
  readonly added: readonly string[]
  readonly dropped: readonly string[]
}

const TO_GRANT = 'it has to own the tables, or be a member of the role that does, and needs CREATE on the database'

/** `source`: as the role that owns the tables. Afterwards the publication is as given, whatever it was. Safe to repeat. Throws RESOURCE_NOT_OURS for one
 *  of that name that publishes in another way, DATABASE_REFUSED for a table that is not there, CREDENTIALS_REJECTED, NOT_READY_YET. */
export async function ensurePublication(source: Session, input: PublicationInput): Promise<EnsuredPublication> {
  return behindFence(source, input, TO_GRANT, async () => {
    await oneAtATime(source, input.name)
    const found = await findPublication(source, input.name)
    if (found !== null) refuseOther(source, input.name, found)
    const wanted = await resolveTables(source, input.tables)
    const options = `publish = 'insert, update, delete, truncate', publish_via_partition_root = ${input.viaPartitionRoot}`
    const publication = quoteIdentifier(input.name)
    if (found === null) await source.execute(`CREATE PUBLICATION ${publication} WITH (${options})`)
    else if (!found.whole || found.viaPartitionRoot !== input.viaPartitionRoot)
      await source.execute(`ALTER PUBLICATION ${publication} SET (${options})`)
    const present = await publishedTables(source, input.name)
    const added = wanted.filter(({ oid }) => !present.some((one) => one.oid === oid))
    const dropped = present.filter(({ oid }) => !wanted.some((one) => one.oid === oid))
    if (dropped.length > 0) await source.execute(`ALTER PUBLICATION ${publication} DROP TABLE ${dropped.map(alone).join(', ')}`)
    if (added.length > 0) await source.execute(`ALTER PUBLICATION ${publication} ADD TABLE ${added.map(alone).join(', ')}`)
    return { made: found === null, added: added.map(nameOf), dropped: dropped.map(nameOf) }
  })
}

/** Gone already is fine. */
export async function dropPublication(source: Session, input: Guarded & { readonly name: string }): Promise<void> {
  await behindFence(source, input, 'it has to own the publication', async () => {
    await source.execute(`DROP PUBLICATION IF EXISTS ${quoteIdentifier(input.name)}`)
  })
}

interface FoundPublication {
  readonly allTables: boolean
  /** Of whole schemas, or of a part of the rows or columns of a table. */
  readonly otherwise: boolean
  readonly viaPartitionRoot: boolean
  /** It publishes every kind of change. */
  readonly whole: boolean
}

async function findPublication(source: Session, name: string): Promise<FoundPublication | null> {
  const [row] = await source.query<FoundPublication>(
    `SELECT p.puballtables AS "allTables", p.pubviaroot AS "viaPartitionRoot", p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AS whole,
            EXISTS (SELECT FROM pg_catalog.pg_publication_namespace s WHERE s.pnpubid = p.oid)
              OR EXISTS (SELECT FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid AND (r.prqual IS NOT NULL OR r.prattrs IS NOT NULL)) AS otherwise
       FROM pg_catalog.pg_publication p WHERE p.pubname = $1`,
    [name],
  )
  return row ?? null
}

/** Members as they are listed, not what they stand for. */
function publishedTables(source: Session, name: string): Promise<NamedTable[]> {
  return source.query<NamedTable>(
    `SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS "table", c.relkind = 'p' AS partitioned,
            pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name
       FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid
       JOIN pg_catalog.pg_class c ON c.oid = r.prrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE p.pubname = $1 ORDER BY n.nspname, c.relname`,
    [name],
  )
}

function nameOf({ name }: NamedTable): string {
  return name
}

function refuseOther({ endpoint: { database, host } }: Session, name: string, { allTables, otherwise }: FoundPublication): void {
  if (!allTables && !otherwise) return
  const what = allTables ? 'all tables' : 'whole schemas, or a part of the rows or columns of a table'
  throw failure(
    'RESOURCE_NOT_OURS',
    `The publication ${name} in ${database} on ${host} publishes ${what}, as Capstan never makes one: find out who did, then DROP PUBLICATION ${quoteIdentifier(name)}.`,
    { publication: name, database, host },
  )
}
