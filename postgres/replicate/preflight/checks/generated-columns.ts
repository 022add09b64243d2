/** Generated columns are not sent: the standby reckons them by its own definition. */
import { typeable } from '../../../health/words'
import type { Check, Look, Told } from '../check'
import { BY_NAME, CARRIED, historyValues, NAME, PUBLISHED, RELATIONS } from '../relations'

interface Generated extends Record<string, unknown> {
  readonly shown: string
  readonly columns: string
}

const GENERATED = `
  SELECT ${NAME} AS shown, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
    FROM ${RELATIONS} JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attgenerated <> '' AND NOT a.attisdropped
   WHERE ${PUBLISHED} GROUP BY c.oid, n.nspname, c.relname ORDER BY ${BY_NAME}`

async function generated({ source, asked }: Look): Promise<Told> {
  const tables = await source.query<Generated>(GENERATED, historyValues(asked.history))
  return {
    findings: tables.map(({ shown, columns }) => ({
      severity: 'note',
      side: 'source',
      object: typeable(shown),
      message: `Table ${typeable(shown)} has columns that are generated: ${typeable(columns)}.`,
      why: 'They are not sent: the standby reckons them by its own functions, which another version or collation may answer otherwise.',
      command: 'capstan verify … -- its comparison reads them too',
    })),
  }
}

/** The identity that is used: by default the primary key, or the index that was named. */
const NAMING = `
  SELECT ${NAME} AS shown, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
    FROM ${RELATIONS}
    JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey) AND a.attgenerated <> ''
   WHERE (c.relkind = 'r' OR NOT c.relispartition) AND ${CARRIED} GROUP BY c.oid, n.nspname, c.relname ORDER BY ${BY_NAME}`

async function naming({ source, asked }: Look): Promise<Told> {
  const tables = await source.query<Generated>(NAMING, historyValues(asked.history))
  return {
    findings: tables.map(({ shown, columns }) => ({
      severity: 'blocks',
      side: 'source',
      object: typeable(shown),
      message: `Table ${typeable(shown)} names its rows by a generated column: ${typeable(columns)}.`,
      why: 'It is not sent, so that the first UPDATE or DELETE stops the standby.',
      command: `ALTER TABLE ${typeable(shown)} REPLICA IDENTITY USING INDEX …; -- a unique one over columns that are not generated`,
    })),
  }
}

export const GENERATED_COLUMNS: Check = { id: 'generated-columns', questions: [naming, generated] }
