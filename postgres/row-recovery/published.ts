/** Publications that carry tables on which do not exist yet. A subscriber that is told of a table it lacks stops, and gets nothing else either. */
import { failure } from '../../contracts/failures'
import type { Session } from '../connect/session'

const OF_ALL = 'SELECT pubname::text AS name FROM pg_publication WHERE puballtables'
const SINCE_15 = `
  UNION SELECT p.pubname::text FROM pg_publication_namespace s JOIN pg_publication p ON p.oid = s.pnpubid
               JOIN pg_namespace n ON n.oid = s.pnnspid WHERE n.nspname = 'capstan'`

/** Throws ROWS_UNRECOVERABLE where what is staged would be published. `session`: its search path is pg_catalog. */
export async function refusePublished(session: Session): Promise<void> {
  const found = await session.query<{ name: string }>(`${OF_ALL}${session.serverVersionNum < 150_000 ? '' : SINCE_15} ORDER BY 1`)
  const [one] = found
  if (one === undefined) return
  const { database } = session.endpoint
  throw failure(
    'ROWS_UNRECOVERABLE',
    `The publication ${one.name} of ${database} carries every new table on, the staged rows too, and its subscribers stop at a table that they lack: ` +
      'make it a publication of named tables; or, if nobody subscribes or its tables are made there, say so with --published.',
    { database, publication: one.name },
  )
}
