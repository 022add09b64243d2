/** Event triggers of a standby. A file is carried over by an ordinary session, so that they fire for it as they did on the source; what they wrote there comes by itself, and
 *  would be on the standby twice, or stop what applies. An old writer refuses it, and the file with it. Whether one writes rows nobody can see. */
import { failure } from '../../contracts/failures'
import type { Session } from '../connect/session'
import { typeable } from '../health/words'
import { shownList } from './tables'

/** Of `pg_event_trigger e`. */
export const FIRING = `evtenabled IN ('O', 'A') AND evtevent <> 'login' AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND d.objid = e.oid AND d.deptype = 'e')`

/** By name, quoted: those that fire for a change of the schema in an ordinary session. An extension's are its own matter. Reads only. */
export async function firingEventTriggers(session: Session): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT pg_catalog.quote_ident(evtname) AS name FROM pg_catalog.pg_event_trigger e WHERE ${FIRING} ORDER BY 1`,
  )
  return rows.map(({ name }) => typeable(name))
}

/** Before a file is carried over. Reads only. Throws DATABASE_REFUSED. */
export async function refuseFiring(standby: Session): Promise<void> {
  const firing = await firingEventTriggers(standby)
  if (firing.length === 0) return
  const { database, host } = standby.endpoint
  const [first] = firing
  throw failure(
    'DATABASE_REFUSED',
    `Event triggers of the standby ${database} on ${host} would fire for files that are carried over (${shownList(firing)}), and what they wrote on its source comes from there: on the standby, ALTER EVENT TRIGGER ${first} DISABLE. Once it is the writer, enable it again.`,
    { database, host, triggers: firing.length },
  )
}

/** Behind a file that is carried over, in its transaction: those that it has made or enabled, since there were none before it. */
export async function disableFiring(standby: Session): Promise<void> {
  const rows = await standby.query<{ name: string }>(
    `SELECT pg_catalog.quote_ident(evtname) AS name FROM pg_catalog.pg_event_trigger e WHERE ${FIRING} ORDER BY 1`,
  )
  for (const { name } of rows) await standby.execute(`ALTER EVENT TRIGGER ${name} DISABLE`)
}
