/** What materialized views hold is not sent: a standby fills its own from what it has, before applications read them there. */
import { Failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import type { Session } from '../connect/session'
import { behindFence, type Guarded } from './behind-fence'
import { BY_NAME, MATERIALIZED_VIEW, NAME, RELATIONS } from './preflight/relations'

export interface RefreshInput extends Guarded {
  /** As the role that owns them. */
  readonly standby: Session
  /** As `schema.name`, quoted by PostgreSQL; left out: all that are there. */
  readonly views?: readonly string[] | undefined
  /** Of a database that applications read already: after so long a view is given up, and one that can be is filled without making its readers wait. */
  readonly servedMsMax?: number | undefined
  /** Called before each. */
  readonly onProgress?: (view: string) => void
}

export interface Refreshed {
  readonly refreshed: readonly string[]
  /** A sentence each. */
  readonly left: readonly string[]
}

/** Those that hold something, by name, as `schema.name`, quoted. One that was made `WITH NO DATA` and never refreshed is left as it is. Reads only. */
export async function filledViews(session: Session): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT ${NAME} AS name FROM ${RELATIONS} WHERE ${MATERIALIZED_VIEW} AND c.relispopulated ORDER BY ${BY_NAME}`,
  )
  return rows.map(({ name }) => name)
}

/** Each in a transaction of its own, one that reads another after that one. What cannot be refreshed keeps nobody waiting: it is told, and the rest goes on. Safe to repeat.
 *  Throws FENCED_OFF, CONNECTION_LOST, the signal's reason. */
export async function refreshViews({ standby, views, onProgress, servedMsMax, ...guarded }: RefreshInput): Promise<Refreshed> {
  const refreshed: string[] = []
  const left: string[] = []
  const here = await inOrder(standby)
  const wanted = views === undefined ? null : new Set(views)
  for (const view of wanted === null ? [] : [...wanted].filter((one) => !here.includes(one)).sort())
    left.push(`${view}: it is not there`)
  for (const view of here.filter((one) => wanted === null || wanted.has(one))) {
    onProgress?.(view)
    const why = await refresh(standby, view, { ...guarded, servedMsMax })
    if (why === null) refreshed.push(view)
    else left.push(`${view}: ${why}`)
  }
  return { refreshed, left }
}

/** Null: it was done. */
async function refresh(
  standby: Session,
  view: string,
  { servedMsMax, ...guarded }: Guarded & Pick<RefreshInput, 'servedMsMax'>,
): Promise<string | null> {
  try {
    await behindFence(standby, guarded, 'it has to own the view, or be a member of the role that does', async () => {
      if (servedMsMax !== undefined) await standby.execute(`SET LOCAL statement_timeout = ${servedMsMax}`)
      const how = servedMsMax !== undefined && (await mayBeRead(standby, view)) ? 'CONCURRENTLY ' : ''
      await standby.execute(`REFRESH MATERIALIZED VIEW ${how}${view}`, { signal: guarded.signal })
    })
    return null
  } catch (error) {
    guarded.signal?.throwIfAborted()
    const server = serverErrorOf(error)
    if (server === null) throw error
    return `${server.sqlState}: ${server.message}`
  }
}

/** While it is filled: it holds something, and a whole unique index tells its rows apart, which are compared in a temporary table of its owner's. */
async function mayBeRead(standby: Session, view: string): Promise<boolean> {
  const rows = await standby.query(
    `SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
      WHERE c.oid = $1::regclass AND c.relispopulated AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
        AND pg_catalog.has_database_privilege(c.relowner, pg_catalog.current_database(), 'TEMP') LIMIT 1`,
    [view],
  )
  return rows.length > 0
}

/** What the server itself said of the view. Where another one has come, or the connection is gone, nobody goes on. */
function serverErrorOf(error: unknown): ServerError | null {
  const said = error instanceof Failure && OF_THE_VIEW.includes(error.code) ? error.cause : error
  return said instanceof ServerError ? said : null
}

const OF_THE_VIEW: readonly string[] = ['CREDENTIALS_REJECTED', 'NOT_READY_YET']

interface Relation {
  readonly oid: string
  /** Null: it is no materialized view of theirs. */
  readonly name: string | null
  readonly reads: readonly string[]
}

/** All of them, what is read before who reads it, through plain views too; else by name. What a function of theirs reads nobody knows. */
async function inOrder(session: Session): Promise<string[]> {
  const rows = await session.query<Relation>(RELATED)
  const known = new Map(rows.map((row) => [row.oid, row]))
  const done = new Set<string>()
  const ordered: string[] = []
  const visit = (oid: string): void => {
    if (done.has(oid)) return
    done.add(oid)
    const relation = known.get(oid)
    if (relation === undefined) return
    for (const read of relation.reads) visit(read)
    if (relation.name !== null) ordered.push(relation.name)
  }
  for (const { oid } of rows) visit(oid)
  return ordered
}

const RELATED = `
  SELECT c.oid::text AS oid, CASE WHEN ${MATERIALIZED_VIEW} THEN ${NAME} END AS name,
         ARRAY(SELECT DISTINCT d.refobjid::text FROM pg_catalog.pg_rewrite r
                 JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
                WHERE r.ev_class = c.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> c.oid) AS reads
    FROM ${RELATIONS} WHERE c.relkind IN ('m', 'v') ORDER BY ${BY_NAME}`
