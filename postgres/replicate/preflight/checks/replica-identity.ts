/** What names a row that is updated or deleted. Published without it, a table refuses every UPDATE and DELETE on the source. Partitions are asked
 *  too: rows are changed in them, and it is their own identity that the log has; the root's is what the standby is told. */
import type { PreflightFinding } from '../../../../contracts/preflight'
import { lacksIdentity } from '../../../health/lacks-identity'
import { typeable } from '../../../health/words'
import type { Check, Look, Told } from '../check'
import { BY_NAME, CARRIED, historyValues, NAME, RELATIONS } from '../relations'

interface Anonymous extends Record<string, unknown> {
  readonly shown: string
  readonly identity: 'd' | 'n' | 'i' | 'f'
  readonly keyed: boolean
}

const KEY = `EXISTS (SELECT FROM pg_catalog.pg_index k WHERE k.indrelid = c.oid AND k.indisprimary AND k.indisvalid AND k.indimmediate)`

/** In the middle of a tree nothing is changed and nothing is told. */
const ASKED = `${CARRIED} AND (c.relkind = 'r' OR NOT c.relispartition)`

const LACKING = `
  SELECT ${NAME} AS shown, c.relreplident::text AS identity,
         CASE WHEN c.relreplident = 'd' THEN EXISTS (SELECT FROM pg_catalog.pg_index k WHERE k.indrelid = c.oid AND k.indisprimary) ELSE ${KEY} END AS keyed
    FROM ${RELATIONS} WHERE ${ASKED} AND ${lacksIdentity('c')} ORDER BY ${BY_NAME}`

const REASONS: Record<Anonymous['identity'], string> = {
  d: 'has no primary key, and no other replica identity',
  n: 'has its replica identity set to NOTHING',
  i: 'has lost the index that was its replica identity',
  f: '',
}

async function lacking({ source, asked }: Look): Promise<Told> {
  const tables = await source.query<Anonymous>(LACKING, historyValues(asked.history))
  return {
    findings: tables.map(({ shown, identity, keyed }) => {
      const table = typeable(shown)
      const said = identity === 'd' && keyed ? 'has a primary key that can be deferred or is not valid' : REASONS[identity]
      const full = `ALTER TABLE ${table} REPLICA IDENTITY FULL; -- at once; a primary key is better`
      return {
        severity: 'blocks',
        side: 'source',
        object: table,
        message: `Table ${table} ${said}.`,
        why: 'Once it is published every UPDATE and DELETE of it fails on the source, for the applications.',
        command: identity !== 'd' && keyed ? `ALTER TABLE ${table} REPLICA IDENTITY DEFAULT;` : full,
      }
    }),
  }
}

interface Whole extends Record<string, unknown> {
  readonly shown: string
  /** Columns whose type has no equality that a row could be found by. */
  readonly unequal: string | null
}

/** PostgreSQL's own types without one. */
const UNEQUAL = `'json', 'xml', 'point', 'line', 'lseg', 'box', 'path', 'polygon', 'circle', 'txid_snapshot', 'pg_snapshot', 'jsonpath'`

const WHOLE = `
  SELECT ${NAME} AS shown,
         (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND t.typnamespace = 'pg_catalog'::regnamespace
             AND (t.typname IN (${UNEQUAL}) OR EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.oid = t.typelem AND e.typname IN (${UNEQUAL})))) AS unequal
    FROM ${RELATIONS}
   WHERE ${ASKED} AND c.relreplident = 'f' AND NOT ${KEY}
   ORDER BY ${BY_NAME}`

async function whole({ source, asked }: Look): Promise<Told> {
  const tables = await source.query<Whole>(WHOLE, historyValues(asked.history))
  return { findings: tables.map(byWholeRow) }
}

function byWholeRow({ shown, unequal }: Whole): Omit<PreflightFinding, 'check'> {
  const table = typeable(shown)
  const key = `ALTER TABLE ${table} ADD PRIMARY KEY (…);`
  if (unequal !== null) {
    return {
      severity: 'blocks',
      side: 'source',
      object: table,
      message: `Table ${table} is found by whole rows (REPLICA IDENTITY FULL), and no two values of ${typeable(unequal)} can be told to be equal.`,
      why: 'The first UPDATE or DELETE of a row that has one stops the standby.',
      command: `${key} -- then REPLICA IDENTITY DEFAULT`,
    }
  }
  return {
    severity: 'warning',
    side: 'source',
    object: table,
    message: `Table ${table} has no primary key and is found by whole rows (REPLICA IDENTITY FULL).`,
    why: 'Each row that is updated or deleted is looked for on the standby in all of the table, and of two that are the same either is taken.',
    command: `${key} -- then REPLICA IDENTITY DEFAULT`,
  }
}

export const REPLICA_IDENTITY: Check = { id: 'replica-identity', questions: [lacking, whole] }
