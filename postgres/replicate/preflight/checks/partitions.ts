/** Partitioned tables are published by their roots (relations.ts says why). */
import { typeable } from '../../../health/words'
import { printable } from '../../../printable'
import type { Check, Look, Told } from '../check'
import { counted } from '../in-words'
import { BY_NAME, historyValues, NAME, PUBLISHED, RELATIONS } from '../relations'

interface Root extends Record<string, unknown> {
  readonly shown: string
  readonly leaves: number
}

const ROOTS = `
  SELECT ${NAME} AS shown, (SELECT count(*) FROM pg_partition_tree(c.oid) t WHERE t.isleaf) AS leaves
    FROM ${RELATIONS} WHERE c.relkind = 'p' AND ${PUBLISHED} ORDER BY ${BY_NAME}`

async function roots({ source, asked }: Look): Promise<Told> {
  const tables = await source.query<Root>(ROOTS, historyValues(asked.history))
  return {
    findings: tables.map(({ shown, leaves }) => ({
      severity: 'note',
      side: 'source',
      object: typeable(shown),
      message: `Table ${typeable(shown)} is published as one, with ${counted(leaves, 'partition')}.`,
      why: 'A row for which the standby has no partition stops it, and emptying a single partition by TRUNCATE is not sent.',
      command: 'CREATE TABLE … PARTITION OF …; -- a new one on the standby first, then on the source',
    })),
  }
}

interface Other extends Record<string, unknown> {
  readonly shown: string
  readonly root: string
  /** Names of columns. */
  readonly by: string | null
  readonly rootBy: string | null
  readonly indexed: boolean
  readonly keyed: boolean
}

/** What names a row of `table`: the index that was chosen, otherwise its primary key. */
const namingOf = (table: string): string => `(
           SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_catalog.pg_index i
             JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
            WHERE i.indrelid = ${table}.oid AND CASE WHEN ${table}.relreplident = 'i' THEN i.indisreplident ELSE i.indisprimary END)`

const PARTITIONED_BY = `(
           SELECT array_agg(a.attname::text) FROM pg_catalog.pg_partitioned_table p
             JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs) WHERE p.partrelid = c.oid)`

/** The log has what the partition says, and the standby is told what the root says: it looks for the partition by the columns that the table is
 *  partitioned by, and there for the row by what names rows there, which has to be among what the root names. */
const OTHERS = `
  SELECT shown, root, array_to_string(leaf, ', ') AS by, CASE WHEN whole THEN NULL ELSE array_to_string(named, ', ') END AS "rootBy", indexed, keyed
    FROM (SELECT quote_ident(ln.nspname) || '.' || quote_ident(l.relname) AS shown, ${NAME} AS root, ${namingOf('l')} AS leaf, ${namingOf('c')} AS named,
                 c.relreplident = 'f' AS whole, l.relreplident = 'i' AS indexed, l.relreplident = 'f' AS entire, ${PARTITIONED_BY} AS key,
                 EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = l.oid AND i.indisprimary) AS keyed
            FROM ${RELATIONS} CROSS JOIN LATERAL pg_partition_tree(c.oid) t JOIN pg_catalog.pg_class l ON l.oid = t.relid AND t.isleaf
            JOIN pg_catalog.pg_namespace ln ON ln.oid = l.relnamespace
           WHERE c.relkind = 'p' AND ${PUBLISHED} AND l.relkind = 'r' AND 'n' NOT IN (l.relreplident::text, c.relreplident::text)) o
   WHERE (indexed AND NOT coalesce(key <@ leaf, true)) OR (NOT whole AND (NOT coalesce(leaf <@ named, true) OR (entire AND leaf IS NULL)))
   ORDER BY root, shown`

async function otherIdentity({ source, asked }: Look): Promise<Told> {
  const leaves = await source.query<Other>(OTHERS, historyValues(asked.history))
  return {
    findings: leaves.map(({ shown, root, by, rootBy, indexed, keyed }) => {
      const [partition, table] = [typeable(shown), typeable(root)]
      const way = (columns: string | null): string => (columns === null ? 'whole rows' : `(${printable(columns)})`)
      return {
        severity: 'blocks',
        side: 'source',
        object: partition,
        message: `Partition ${partition} names its rows by ${way(by)}, and its root ${table} by ${way(rootBy)}.`,
        why: 'The first UPDATE or DELETE in it stops the standby, which looks for the row as the root says.',
        command: indexed
          ? `ALTER TABLE ${partition} REPLICA IDENTITY ${keyed ? 'DEFAULT' : 'FULL'};`
          : `ALTER TABLE ${table} REPLICA IDENTITY ${rootBy === null || !keyed ? 'FULL' : 'DEFAULT'};`,
      }
    }),
  }
}

export const PARTITIONS: Check = { id: 'partitions', questions: [roots, otherIdentity] }
