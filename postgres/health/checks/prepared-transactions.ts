/** Transactions that were prepared for a two-phase commit and never ended. They outlive sessions and restarts. */
import type { Check } from '../check'
import { age, typeable } from '../words'

interface Prepared extends Record<string, unknown> {
  readonly xid: string
  readonly database: string
  readonly shownDatabase: string
  readonly shownOwner: string
  readonly ms: number
}

export const PREPARED_TRANSACTIONS: Check = {
  id: 'prepared-transactions',
  scope: 'instance',
  async find({ query, limits }) {
    const rows = await query<Prepared>(
      `SELECT transaction::text AS xid, database::text AS database, quote_ident(database) AS "shownDatabase", quote_ident(owner) AS "shownOwner",
              (extract(epoch FROM clock_timestamp() - prepared) * 1000)::int8 AS ms
         FROM pg_catalog.pg_prepared_xacts WHERE clock_timestamp() - prepared >= $1 * interval '1 millisecond' ORDER BY prepared`,
      [limits.preparedMs],
    )
    return {
      findings: rows.map(({ xid, database, shownDatabase, shownOwner, ms }) => ({
        check: 'prepared-transactions',
        severity: 'warning',
        database,
        object: { kind: 'prepared transaction', schema: null, name: xid },
        message: `Transaction ${xid} of ${typeable(shownOwner)} in ${typeable(shownDatabase)} has been prepared for ${age(ms)} and nobody ends it.`,
        why: 'It keeps its locks through every restart, and vacuum from every row that was removed since.',
        command: `SELECT gid FROM pg_prepared_xacts WHERE transaction = '${xid}'; -- then COMMIT PREPARED or ROLLBACK PREPARED, as its coordinator says`,
      })),
    }
  },
}
