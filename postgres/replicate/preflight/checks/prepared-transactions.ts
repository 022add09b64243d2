/** A slot is made at a moment at which every transaction that was under way has ended, in whichever database of the server, and one that was
 *  prepared does not end by itself. One that was just prepared is told and waited for. */
import { age, typeable } from '../../../health/words'
import type { Check } from '../check'

interface Prepared extends Record<string, unknown> {
  readonly xid: string
  readonly owner: string
  readonly database: string
  readonly ms: number
}

const PREPARED = `
  SELECT transaction::text AS xid, quote_ident(owner) AS owner, quote_ident(database) AS database,
         (extract(epoch FROM clock_timestamp() - prepared) * 1000)::int8 AS ms
    FROM pg_catalog.pg_prepared_xacts ORDER BY prepared`

export const PREPARED_TRANSACTIONS: Check = {
  id: 'prepared-transactions',
  questions: [
    async ({ source, asked }) => {
      const transactions = await source.query<Prepared>(PREPARED)
      return {
        findings: transactions.map(({ xid, owner, database, ms }) => ({
          severity: ms >= asked.limits.preparedMs ? 'blocks' : 'note',
          side: 'source',
          object: xid,
          message: `Transaction ${xid} of ${typeable(owner)} in ${typeable(database)} has been prepared for ${age(ms)}.`,
          why: 'The slot is made only once it has ended, and no switchover can be while there is one.',
          command: `SELECT gid FROM pg_prepared_xacts WHERE transaction = '${xid}'; -- then COMMIT PREPARED or ROLLBACK PREPARED, as its coordinator says`,
        })),
      }
    },
  ],
}
