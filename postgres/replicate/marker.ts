/** The marker: one row of the source that the standby has to have seen. It is published and followed as every table is, so that it says what its
 *  neighbours in the log would say; a position alone says what somebody has confirmed. */
import { inTransaction, type Session } from '../connect/session'
import { assertFence, type FenceToken } from '../migrate/fence'

/** As `schema.table`: to be published with the others, and to be there on the standby before it is subscribed. */
export const MARKER_TABLE = 'capstan.standby_marker'

export interface Marker {
  readonly operation: string
  /** No two are alike. */
  readonly value: string
}

export interface WriteMarkerInput {
  readonly operation: string
  /** The one that stands in this very database. */
  readonly token: FenceToken
  readonly signal?: AbortSignal | undefined
}

/** Commits a new one, on disk before it is acknowledged, in the place of those before. A row of its own each time: it meets nothing on the standby, whatever
 *  happened to the others there. Throws FENCED_OFF. */
export function writeMarker(session: Session, { operation, token, signal }: WriteMarkerInput): Promise<Marker> {
  return inTransaction(session, async () => {
    await assertFence(session, token)
    // somebody may have turned it off for the role or the database
    await session.execute('SET LOCAL synchronous_commit = on', { signal })
    await session.execute('DELETE FROM capstan.standby_marker', { signal })
    const [row] = await session.query<Marker>(
      `INSERT INTO capstan.standby_marker (value, operation) VALUES (pg_catalog.gen_random_uuid()::text, $1) RETURNING operation, value`,
      [operation],
      { signal },
    )
    if (row === undefined) throw new Error('an INSERT answered no row')
    return row
  })
}

export async function seesMarker(standby: Session, { value }: Marker, signal?: AbortSignal | undefined): Promise<boolean> {
  const rows = await standby.query('SELECT FROM capstan.standby_marker WHERE value = $1', [value], { signal })
  return rows.length > 0
}

interface Following {
  /** In their databases. */
  readonly source: Session
  readonly standby: Session
  readonly publication: string
  readonly subscription: string
}

/** What would keep a barrier from being passed however long it was waited for, a sentence each; none: nothing that can be seen beforehand. To be
 *  asked before the fence is raised. Reads only. */
export async function barrierObstacles({ source, standby, publication, subscription }: Following): Promise<string[]> {
  const published = await source.query(
    `SELECT FROM pg_catalog.pg_publication_tables WHERE pubname = $1 AND schemaname || '.' || tablename = $2`,
    [publication, MARKER_TABLE],
  )
  const [followed] = await standby.query<{ enabled: boolean; marker: boolean; copying: string[] }>(FOLLOWED, [
    subscription,
    MARKER_TABLE,
  ])
  if (followed === undefined) return [`There is no subscription ${subscription} on the standby.`]
  const { enabled, marker, copying } = followed
  return [
    ...(published.length > 0 ? [] : [`Publication ${publication} lacks ${MARKER_TABLE}: add it, then refresh the subscription.`]),
    ...(enabled ? [] : [`Subscription ${subscription} is disabled: enable it.`]),
    ...(marker
      ? []
      : [`Subscription ${subscription} does not follow ${MARKER_TABLE}: ALTER SUBSCRIPTION … REFRESH PUBLICATION.`]),
    // their rows come by workers of their own, whose position is in no slot that is waited for
    ...(copying.length === 0 ? [] : [`Still copied for the first time: ${copying.join(', ')}. Wait until it is through.`]),
  ]
}

const FOLLOWED = `
  SELECT s.subenabled AS enabled,
         EXISTS (SELECT FROM pg_catalog.pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srrelid = pg_catalog.to_regclass($2)) AS marker,
         ARRAY(SELECT r.srrelid::pg_catalog.regclass::text FROM pg_catalog.pg_subscription_rel r
                WHERE r.srsubid = s.oid AND r.srsubstate <> 'r' ORDER BY 1 LIMIT 20) AS copying
    FROM pg_catalog.pg_subscription s
   WHERE s.subname = $1 AND s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())`
