/** What the standby holds already. The migrations would meet it, and rows beside those that are copied would never be the source's. */
import { bytes } from '../../../health/words'
import { type Check, NOTHING } from '../check'
import { counted, named } from '../in-words'
import { NAME, notOfExtension, ofUsers, RELATIONS } from '../relations'

interface Held extends Record<string, unknown> {
  readonly shown: string
}

const RECOVERY = `SELECT pg_is_in_recovery() AS recovering`

const HELD = `
  SELECT ${NAME} AS shown FROM ${RELATIONS}
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND c.relpersistence <> 't' AND ${ofUsers('n')} AND ${notOfExtension('c')}
  UNION ALL
  SELECT quote_ident(n.nspname) || '.' || quote_ident(t.typname) FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
   WHERE t.typtype IN ('d', 'e', 'r') AND ${ofUsers('n')} AND ${notOfExtension('t', 'pg_type')}
  UNION ALL
  SELECT quote_ident(n.nspname) || '.' || quote_ident(p.proname) FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
   WHERE ${ofUsers('n')} AND ${notOfExtension('p', 'pg_proc')}
   ORDER BY 1`

export const STANDBY_EMPTY: Check = {
  id: 'standby-empty',
  questions: [
    async ({ standby }) => {
      const [row] = await standby.query<{ recovering: boolean }>(RECOVERY)
      if (row?.recovering !== true) return NOTHING
      return {
        findings: [
          {
            severity: 'blocks',
            side: 'standby',
            object: null,
            message: 'The standby is itself a replica of another server, and can only be read.',
            why: 'Nothing can be made or applied there.',
            command: '-- name its primary as the standby, or promote it',
          },
        ],
      }
    },
    async ({ standby, asked }) => {
      const held = await standby.query<Held>(HELD)
      if (held.length === 0 || asked.prepared) return NOTHING
      const [size] = await standby.query<{ bytes: number }>('SELECT pg_database_size(current_database()) AS bytes')
      return {
        findings: [
          {
            severity: 'blocks',
            side: 'standby',
            object: null,
            message: `The standby holds ${counted(held.length, 'object')} already (${named(held.map(({ shown }) => shown))}), in a database of ${bytes(size?.bytes ?? 0)}.`,
            why: 'The migrations would meet what is there, and rows beside those that are copied would never be the source’s.',
            command: '-- name a new and empty database in the fleet file; nothing is emptied by itself',
          },
        ],
      }
    },
  ],
}
