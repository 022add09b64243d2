/** Tables whose rows are elsewhere: nothing of them is in the source's log. */
import { typeable } from '../../../health/words'
import type { Check } from '../check'
import { BY_NAME, NAME, notOfExtension, ofUsers, RELATIONS } from '../relations'

interface Foreign extends Record<string, unknown> {
  readonly shown: string
  readonly server: string
  readonly partition: boolean
}

const FOREIGN = `
  SELECT ${NAME} AS shown, quote_ident(s.srvname) AS server, c.relispartition AS partition
    FROM ${RELATIONS} JOIN pg_catalog.pg_foreign_table f ON f.ftrelid = c.oid JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver
   WHERE ${ofUsers('n')} AND ${notOfExtension('c')} ORDER BY ${BY_NAME}`

export const FOREIGN_TABLES: Check = {
  id: 'foreign-tables',
  questions: [
    async ({ source }) => {
      const tables = await source.query<Foreign>(FOREIGN)
      return {
        findings: tables.map(({ shown, server, partition }) => ({
          severity: partition ? 'blocks' : 'warning',
          side: 'source',
          object: typeable(shown),
          message: `${partition ? 'Partition' : 'Table'} ${typeable(shown)} is foreign: its rows are on the server ${typeable(server)}.`,
          why: partition
            ? 'Its rows would be copied with its root’s, and nothing that happens to them afterwards would ever come.'
            : 'It is not published, and the standby reaches that server only if the network and a user mapping of its own let it.',
          command: partition
            ? `ALTER TABLE … DETACH PARTITION ${typeable(shown)}; -- from its root, as a migration`
            : `SELECT * FROM pg_foreign_server; -- then see that the standby reaches it, with CREATE USER MAPPING there`,
        })),
      }
    },
  ],
}
