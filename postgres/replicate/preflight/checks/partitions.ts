/** Partitioned tables are published by their roots (relations.ts says why). */
import { typeable } from '../../../health/words'
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
  readonly identity: string
  readonly rootIdentity: string
}

/** Those without any are told by the check of identities. */
const OTHERS = `
  SELECT quote_ident(ln.nspname) || '.' || quote_ident(l.relname) AS shown, ${NAME} AS root, l.relreplident::text AS identity, c.relreplident::text AS "rootIdentity"
    FROM ${RELATIONS} CROSS JOIN LATERAL pg_partition_tree(c.oid) t JOIN pg_catalog.pg_class l ON l.oid = t.relid AND t.isleaf
    JOIN pg_catalog.pg_namespace ln ON ln.oid = l.relnamespace
   WHERE c.relkind = 'p' AND ${PUBLISHED} AND l.relkind = 'r' AND l.relreplident <> c.relreplident AND 'n' NOT IN (l.relreplident::text, c.relreplident::text)
   ORDER BY ${BY_NAME}, 1`

const IDENTITIES: Readonly<Record<string, string>> = { d: 'the primary key', f: 'whole rows', i: 'an index' }

async function otherIdentity({ source, asked }: Look): Promise<Told> {
  const leaves = await source.query<Other>(OTHERS, historyValues(asked.history))
  return {
    findings: leaves.map(({ shown, root, identity, rootIdentity }) => ({
      severity: 'warning',
      side: 'source',
      object: typeable(shown),
      message: `Partition ${typeable(shown)} names its rows by ${IDENTITIES[identity]}, and its root ${typeable(root)} by ${IDENTITIES[rootIdentity]}.`,
      why: 'The standby looks rows up as the root says, by what the partition has written: it may find none, or search all of the table.',
      command: `ALTER TABLE ${typeable(shown)} REPLICA IDENTITY ${rootIdentity === 'f' ? 'FULL' : rootIdentity === 'i' ? 'USING INDEX …' : 'DEFAULT'};`,
    })),
  }
}

export const PARTITIONS: Check = { id: 'partitions', questions: [roots, otherIdentity] }
