/** The marker: one row of the source that the standby has to have seen. It is published and followed as every table is, so that it says what its
 *  neighbours in the log would say; a position alone says what somebody has confirmed. */
import { randomUUID } from 'node:crypto'
import type { Session } from '../connect/session'
import { commitFlushed, type FenceToken } from '../migrate/fence'

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

interface Written {
  readonly marker: Marker
  /** How far the log was on disk then, so that the marker is at or before it. */
  readonly lsn: string
}

const WRITE = `WITH before AS (DELETE FROM capstan.standby_marker)
  INSERT INTO capstan.standby_marker (value, operation) VALUES ($1, $2)`

/** Commits a new one, on disk before it is acknowledged, in the place of those before. A row of its own each time: it meets nothing on the standby, whatever
 *  happened to the others there. Throws FENCED_OFF. */
export async function writeMarker(session: Session, { operation, token, signal }: WriteMarkerInput): Promise<Written> {
  const marker = { operation, value: randomUUID() }
  return { marker, lsn: await commitFlushed(session, token, WRITE, [marker.value, operation], signal) }
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
  /** Left out: it is not asked by which it follows. */
  readonly slot?: string | undefined
}

interface Followed extends Record<string, unknown> {
  readonly enabled: boolean
  readonly slot: string | null
  readonly publications: readonly string[]
  /** A transaction is to be left out. */
  readonly skips: boolean
  /** As `schema.table`. */
  readonly tables: readonly string[]
  readonly copying: readonly string[]
}

/** So many are named. */
const NAMED_MAX = 20

/** What would keep a barrier from being passed however long it was waited for, a sentence each; none: nothing that can be seen beforehand. To be
 *  asked before the fence is raised. Reads only. */
export async function barrierObstacles({ source, standby, publication, subscription, slot }: Following): Promise<string[]> {
  const rows = await source.query<{ name: string }>(
    `SELECT schemaname || '.' || tablename AS name FROM pg_catalog.pg_publication_tables WHERE pubname = $1 ORDER BY 1`,
    [publication],
  )
  const published = rows.map(({ name }) => name)
  const [followed] = await standby.query<Followed>(FOLLOWED, [subscription])
  if (followed === undefined) return [`There is no subscription ${subscription} on the standby.`]
  const { enabled, skips, copying, tables, publications } = followed
  const reads = publications.length === 1 && publications[0] === publication && (slot === undefined || followed.slot === slot)
  const refresh = 'ALTER SUBSCRIPTION … REFRESH PUBLICATION.'
  const known = new Set(tables)
  // its marker has a sentence of its own
  const unknown = published.filter((one) => one !== MARKER_TABLE && !known.has(one))
  return [
    ...(published.includes(MARKER_TABLE)
      ? []
      : [`Publication ${publication} lacks ${MARKER_TABLE}: add it, then refresh the subscription.`]),
    ...(reads
      ? []
      : [
          `Subscription ${subscription} does not follow ${publication}${slot === undefined ? '' : ` by ${slot}`} and that alone.`,
        ]),
    ...(enabled ? [] : [`Subscription ${subscription} is disabled: enable it.`]),
    ...(skips ? [`Subscription ${subscription} is to skip a transaction: ALTER SUBSCRIPTION … SKIP (lsn = NONE).`] : []),
    ...(known.has(MARKER_TABLE) ? [] : [`Subscription ${subscription} does not follow ${MARKER_TABLE}: ${refresh}`]),
    ...(unknown.length === 0
      ? []
      : [`Published, and not followed by ${subscription}: ${named(unknown)}. Their rows go nowhere: ${refresh}`]),
    // their rows come by workers of their own, whose position is in no slot that is waited for
    ...(copying.length === 0 ? [] : [`Still copied for the first time: ${named(copying)}. Wait until it is through.`]),
  ]
}

const named = (tables: readonly string[]): string =>
  tables.length > NAMED_MAX ? `${tables.slice(0, NAMED_MAX).join(', ')} and ${tables.length - NAMED_MAX} more` : tables.join(', ')

const RELATIONS = `
  SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_subscription_rel r
    JOIN pg_catalog.pg_class c ON c.oid = r.srrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE r.srsubid = s.oid`

const FOLLOWED = `
  SELECT s.subenabled AS enabled, s.subslotname::text AS slot, s.subpublications AS publications,
         s.subskiplsn <> '0/0' AS skips, ARRAY(${RELATIONS}) AS tables, ARRAY(${RELATIONS} AND r.srsubstate <> 'r' ORDER BY 1) AS copying
    FROM pg_catalog.pg_subscription s
   WHERE s.subname = $1 AND s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())`
