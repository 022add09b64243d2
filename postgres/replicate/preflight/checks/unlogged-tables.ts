/** Tables whose rows are in no log, so that nothing of them can be sent. They block nothing, with rows or without: PostgreSQL empties them after
 *  any crash and on every physical replica, so that who made one unlogged has to bear that already. */
import { bytes, typeable } from '../../../health/words'
import type { Check } from '../check'
import { BY_NAME, NAME, notOfExtension, ofUsers, RELATIONS } from '../relations'

export interface Unlogged extends Record<string, unknown> {
  readonly shown: string
  readonly bytes: number
}

export const UNLOGGED = `
  SELECT ${NAME} AS shown, pg_relation_size(c.oid) AS bytes FROM ${RELATIONS}
   WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND ${ofUsers('n')} AND ${notOfExtension('c')} ORDER BY ${BY_NAME}`

export const UNLOGGED_TABLES: Check = {
  id: 'unlogged-tables',
  questions: [
    async ({ source }) => {
      const tables = await source.query<Unlogged>(UNLOGGED)
      return {
        findings: tables.map((table) => ({
          severity: table.bytes > 0 ? 'warning' : 'note',
          side: 'source',
          object: typeable(table.shown),
          message: `Table ${typeable(table.shown)} is unlogged and has ${bytes(table.bytes)} of rows.`,
          why: 'It is not published: on the standby it is empty, as it is here after a crash.',
          command: `ALTER TABLE ${typeable(table.shown)} SET LOGGED; -- rewrites it under a lock; only if its rows are needed on the standby`,
        })),
      }
    },
  ],
}
