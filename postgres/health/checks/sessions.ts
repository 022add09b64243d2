/** Sessions that keep a transaction open. What they ran is not read. */

import type { HealthFinding } from '../../../contracts/health'
import type { Check } from '../check'
import { age, typeable } from '../words'

interface OpenTransaction extends Record<string, unknown> {
  readonly pid: number
  readonly database: string | null
  readonly shownRole: string | null
  readonly idle: boolean
  readonly stateMs: number
  readonly transactionMs: number
}

export const SESSIONS: Check = {
  id: 'sessions',
  scope: 'instance',
  async find({ query, limits }) {
    const [rights] = await query<{ all: boolean }>(`SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS all`)
    const rows = await query<OpenTransaction>(
      `SELECT pid, database, "shownRole", idle, "stateMs", "transactionMs" FROM (
         SELECT pid, datname::text AS database, quote_ident(usename) AS "shownRole", state LIKE 'idle in transaction%' AS idle,
                (extract(epoch FROM clock_timestamp() - state_change) * 1000)::int8 AS "stateMs",
                (extract(epoch FROM clock_timestamp() - xact_start) * 1000)::int8 AS "transactionMs"
           FROM pg_catalog.pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend') AS open
        WHERE (idle AND "stateMs" >= $1) OR "transactionMs" >= $2 ORDER BY "transactionMs" DESC`,
      [limits.idleInTransactionMs, limits.transactionMs],
    )
    const findings = rows.map(told)
    if (rights?.all === true) return { findings }
    return {
      findings,
      unseen: 'What other roles’ sessions do is hidden from this role: grant it pg_read_all_stats or pg_monitor.',
    }
  },
}

function told({ pid, database, shownRole, idle, stateMs, transactionMs }: OpenTransaction): HealthFinding {
  const session = `Session ${pid}${shownRole === null ? '' : ` of ${typeable(shownRole)}`}`
  return {
    check: 'sessions',
    severity: 'warning',
    database,
    object: { kind: 'session', schema: null, name: String(pid) },
    message: idle
      ? `${session} has a transaction open for ${age(transactionMs)} and has done nothing in it for ${age(stateMs)}.`
      : `${session} has been in one transaction for ${age(transactionMs)}.`,
    why: 'It keeps its locks, and vacuum from every row that was removed since; who waits for its locks makes others wait.',
    command: `SELECT pg_terminate_backend(${pid}); -- once its owner agrees; its transaction is rolled back`,
  }
}
