/** Whether a standby's server reaches its source, asked of that server: its network is none of the control plane's, and its worker may be paused, or connected
 *  to one that stands still. A subscription is the only thing by which a master has its server connect somewhere: one is made that asks at once, and is never committed. */
import { Failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { conninfoOf } from './conninfo'

/** `answered`: PostgreSQL is there, whatever it says to a stranger; `refused`: its machine says that nobody listens; `silent`: nothing came in time; `unknown`: nobody
 *  could be asked, which says nothing of the source. */
export interface StandbyKnock {
  readonly met: 'answered' | 'refused' | 'silent' | 'unknown'
  /** In a few words. */
  readonly said: string
}

export interface StandbyKnockInput {
  /** As the standby's server sees it. */
  readonly host: string
  readonly port: number
  /** Of the subscription that is never there. */
  readonly name: string
  readonly waitMs: number
  readonly signal?: AbortSignal | undefined
}

/** Nobody's password is sent to whoever answers there. A stranger is turned away by any server. */
const STRANGER = { database: 'postgres', user: 'capstan_knock', password: 'none', tls: 'require' } as const

/** `standby`: as a master that may subscribe. Changes nothing. */
export async function knockByStandby(standby: Session, input: StandbyKnockInput): Promise<StandbyKnock> {
  const { host, port, name, waitMs, signal } = input
  const conninfo = conninfoOf({ ...STRANGER, host, port }, standby.serverVersionNum)
  try {
    await standby.execute('BEGIN')
    await standby.execute(`SET LOCAL statement_timeout = ${Math.ceil(waitMs)}`)
    // one that hangs at a dead remote holds the catalog, and whoever waits for that has knocked nowhere
    await standby.execute(`SET LOCAL lock_timeout = ${Math.ceil(waitMs / 2)}`)
    await standby.execute(
      `CREATE SUBSCRIPTION ${quoteIdentifier(name)} CONNECTION '${conninfo.replaceAll("'", "''")}' PUBLICATION ${quoteIdentifier(name)}
         WITH (connect = true, enabled = false, create_slot = false, slot_name = NONE, copy_data = false)`,
      { signal },
    )
    return { met: 'answered', said: 'its server was let in there' }
  } catch (error) {
    return metOf(error, waitMs)
  } finally {
    if (standby.open) await standby.execute('ROLLBACK').catch(() => undefined)
  }
}

const QUERY_CANCELED = '57014'

function metOf(error: unknown, waitMs: number): StandbyKnock {
  if (error instanceof ServerError && error.sqlState === QUERY_CANCELED)
    return { met: 'silent', said: `its server met no answer within ${Math.ceil(waitMs)} ms` }
  const cause = error instanceof Failure ? error.cause : error
  if (!(cause instanceof ServerError)) throw error
  if (!(error instanceof Failure)) return { met: 'unknown', said: `its server could not be asked (${cause.message})` }
  return { met: of(cause.message), said: `its server was told: ${cause.message}` }
}

/** By libpq's and the system's own words: what came last of several addresses does not outweigh one that answered. */
function of(said: string): StandbyKnock['met'] {
  if (/FATAL|authentication|pg_hba|support SSL|certificate|channel binding/i.test(said)) return 'answered'
  if (/translate host name|Network is unreachable/i.test(said)) return 'unknown'
  if (/timed out|timeout expired|No route to host|closed the connection|reset by peer/i.test(said)) return 'silent'
  return /Connection refused/i.test(said) ? 'refused' : 'unknown'
}
