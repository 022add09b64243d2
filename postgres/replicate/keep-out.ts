/** Keeps applications out of a standby while it follows, so that nothing is ever written on both sides. Who may connect is taken away from everybody but
 *  those that are named and the owner, is written down in the keyhole in the very transaction that takes it, and is put back as it was.
 *
 *  Grants are no fence: superusers, the owner and members of whoever is let in come past them, and are told. What stands between two writers when writing
 *  moves is the fence around the source; this is what keeps a program with a wrong address from writing into a copy. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, failure } from '../../contracts/failures'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { asOwner, type OwnerWay, ownersSql, ownerWay } from '../fence/act-as'
import { assertFence, type FenceToken, inFencedTransaction } from '../migrate/fence'
import { explained } from './behind-fence'

export interface KeptDatabase {
  readonly database: string
  /** The one that stands in the keyhole. */
  readonly token: FenceToken
  readonly signal?: AbortSignal | undefined
}

export interface KeepOutInput extends KeptDatabase {
  readonly operation: string
  /** Roles that may connect all the same; those that there are not are passed over. */
  readonly keep: readonly string[]
}

export interface KeptOut {
  /** From whom CONNECT is taken, in all; `PUBLIC` among them. */
  readonly revoked: readonly string[]
  /** Roles that still come in, though they are not among those that may. */
  readonly stillIn: readonly string[]
}

interface Grant {
  /** Null: PUBLIC. */
  readonly role: string | null
  readonly grantable: boolean
}

interface Found extends Record<string, unknown> {
  readonly oid: number
  readonly owner: string
  readonly way: OwnerWay | null
}

/** `session`: in the keyhole. Ends the sessions of those that may not connect any more. Safe to repeat: what was granted meanwhile is taken as well, and
 *  put back with the rest. Throws FENCE_REFUSED for a database that is not ours, or whose grants were handed on by others than its owner; FENCED_OFF; and with
 *  CONNECT taken already FENCE_REFUSED for sessions that do not end, CREDENTIALS_REJECTED for those that the master may not end. */
export async function keepOut(session: Session, input: KeepOutInput): Promise<KeptOut> {
  const { database, keep, token, operation } = input
  const { oid, revoked } = await inFencedTransaction(session, token, async () => {
    const { oid: found, owner, way } = await ownDatabase(session, database)
    const grants = await grantsOf(session, database)
    const taken = grants.filter(({ role }) => role === null || !keep.includes(role))
    const lacking = await existing(
      session,
      keep.filter((one) => one !== owner && !grants.some(({ role }) => role === one)),
    )
    await session.query(REMEMBER, [found, operation, JSON.stringify(taken), lacking])
    const name = quoteIdentifier(database)
    const statements = [
      ...taken.map(({ role }) => `REVOKE CONNECT ON DATABASE ${name} FROM ${grantee(role)}`),
      ...lacking.map((role) => `GRANT CONNECT ON DATABASE ${name} TO ${grantee(role)}`),
    ]
    if (statements.length > 0) await asOwner(session, owner, way, statements.join('; '))
    return { oid: found, revoked: (await remembered(session, found)).map(({ role }) => role ?? 'PUBLIC') }
  })
  await endUninvited(session, oid, input)
  return { revoked: [...new Set(revoked)].sort(), stillIn: await stillIn(session, input) }
}

export interface LetIn {
  /** Who may connect again; nobody where nothing was taken. */
  readonly back: readonly string[]
  /** Roles from whom it was taken and that are not there any more. */
  readonly gone: readonly string[]
}

interface LetInInput extends KeptDatabase {
  /** Roles that keep what `keepOut` gave them: as whom another one follows this database. */
  readonly stay?: readonly string[] | undefined
  /** It is the writer from then on: that writing has moved away from it is forgotten in the same transaction (fence/moved-away.ts). */
  readonly writes?: boolean | undefined
}

/** Gives back what `keepOut` took, whichever operation it was, and takes what it gave. In three round trips, since nobody is served meanwhile. Safe to repeat. Throws as
 *  `keepOut`. */
export async function letIn(session: Session, { database, token, stay = [], writes = false }: LetInInput): Promise<LetIn> {
  try {
    await assertFence(session, token, 'BEGIN; ')
    const [found] = await session.query<KeptFound>(keptFound(session), [database])
    const forgotten = found !== undefined && writes ? [`DELETE FROM capstan.moved_away WHERE oid = ${found.oid}`] : []
    if (found?.added == null) {
      await session.execute([...forgotten, 'COMMIT'].join('; '))
      return { back: [], gone: [] }
    }
    const own = ownOf(session, database, found)
    const added = found.added.filter((role) => !stay.includes(role))
    const { told, statements } = puttingBack({ database, grants: found.grants, added, there: found.there })
    const granted = statements.length === 0 ? [] : [ownersSql(session, own.owner, own.way, statements.join('; '))]
    const ended = `DELETE FROM capstan.kept_out WHERE oid = ${own.oid}`
    await session.execute([...forgotten, ...granted, ended, 'COMMIT'].join('; '))
    return told
  } catch (error) {
    if (session.open) await session.execute('ROLLBACK').catch(() => undefined)
    throw error
  }
}

interface KeptFound extends Found {
  readonly grants: readonly Grant[]
  /** Null: nobody is kept out. */
  readonly added: readonly string[] | null
  /** Of those that were taken from, or given to, the ones that there are. */
  readonly there: readonly string[]
}

/** Of a table of grants `k`. */
const REMEMBERED = `SELECT g ->> 'role' AS role, bool_or((g ->> 'grantable')::boolean) AS grantable
       FROM pg_catalog.jsonb_array_elements(k.grants) g GROUP BY 1 ORDER BY 1`

function keptFound(session: Session): string {
  return `SELECT d.oid::bigint AS oid, o.rolname::text AS owner, ${ownerWay(session)} AS way, k.added,
         coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(r)) FROM (${REMEMBERED}) r), '[]') AS grants,
         ARRAY(SELECT r.rolname::text FROM pg_catalog.pg_roles r
                WHERE r.rolname = ANY (k.added) OR r.rolname IN (SELECT g ->> 'role' FROM pg_catalog.jsonb_array_elements(k.grants) g)) AS there
    FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles o ON o.oid = d.datdba LEFT JOIN capstan.kept_out k ON k.oid = d.oid WHERE d.datname = $1`
}

/** Gives back what `keepOut` took for this operation alone, and takes what it gave: who was kept out before it stays so. Nothing, where another one has
 *  taken more since. Safe to repeat. Throws as `keepOut`. */
export async function giveBack(
  session: Session,
  { database, token, operation }: KeptDatabase & { operation: string },
): Promise<LetIn> {
  const mine = await inFencedTransaction(session, token, async () => {
    const [held] = await session.query<Held>(HELD, [database])
    if (held?.operation !== operation) return { back: [], gone: [] }
    const { before } = held
    if (before === null) return null
    const found = await ownDatabase(session, database)
    const earlier = new Set(before.grants.map(({ role }) => role))
    const grants = (await remembered(session, found.oid)).filter(({ role }) => !earlier.has(role))
    const added = held.added.filter((role) => !before.added.includes(role))
    const told = await putBack(session, { ...found, database, grants, added })
    await session.query(
      `UPDATE capstan.kept_out SET operation = before ->> 'operation', grants = before -> 'grants', before = NULL,
              added = ARRAY(SELECT pg_catalog.jsonb_array_elements_text(before -> 'added'))
        WHERE oid = $1::bigint::oid`,
      [found.oid],
    )
    return told
  })
  return mine ?? letIn(session, { database, token })
}

interface Held extends Record<string, unknown> {
  readonly operation: string
  readonly added: readonly string[]
  /** What an earlier operation had taken and given when this one came; null: nothing. */
  readonly before: { readonly grants: readonly Grant[]; readonly added: readonly string[] } | null
}

const HELD = `SELECT k.operation, k.added, k.before FROM capstan.kept_out k JOIN pg_catalog.pg_database d ON d.oid = k.oid WHERE d.datname = $1`

interface Back extends Found {
  readonly way: OwnerWay
  readonly database: string
  readonly grants: readonly Grant[]
  readonly added: readonly string[]
}

async function putBack(session: Session, { database, owner, way, grants, added }: Back): Promise<LetIn> {
  const there = await existing(session, [...namedIn(grants), ...added])
  const { told, statements } = puttingBack({ database, grants, added, there })
  if (statements.length > 0) await asOwner(session, owner, way, statements.join('; '))
  return told
}

const namedIn = (grants: readonly Grant[]): string[] => grants.flatMap(({ role }) => (role === null ? [] : [role]))

/** `there`: of the roles that are named, the ones that there are. */
function puttingBack({
  database,
  grants,
  added,
  there: existing,
}: Pick<Back, 'database' | 'grants' | 'added'> & { readonly there: readonly string[] }): {
  readonly told: LetIn
  readonly statements: readonly string[]
} {
  const named = namedIn(grants)
  const there = new Set(existing)
  const back = grants.filter(({ role }) => role === null || there.has(role))
  const name = quoteIdentifier(database)
  const statements = [
    ...back.map(
      ({ role, grantable }) => `GRANT CONNECT ON DATABASE ${name} TO ${grantee(role)}${grantable ? ' WITH GRANT OPTION' : ''}`,
    ),
    ...added
      .filter((role) => there.has(role) && !named.includes(role))
      .map((role) => `REVOKE CONNECT ON DATABASE ${name} FROM ${grantee(role)}`),
  ]
  const told = { back: back.map(({ role }) => role ?? 'PUBLIC').sort(), gone: named.filter((role) => !there.has(role)).sort() }
  return { told, statements }
}

/** Whether this operation has kept applications out of the database, and nobody has let them in since. Else as `keptOutBy`. */
export async function isKeptOut(
  session: Session,
  { database, operation }: { database: string; operation: string },
): Promise<boolean> {
  return (await keptOutBy(session, database)) === operation
}

/** Which operation has kept applications out of the database last; null: none, or they were let in since. `session`: in the keyhole, as far as it has come to
 *  be one, and as whom it may not be ours. Reads only. */
export async function keptOutBy(session: Session, database: string): Promise<string | null> {
  const [table] = await session.query<{ readable: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = 'capstan' AND c.relname = 'kept_out' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
         AND pg_catalog.has_table_privilege(c.oid, 'SELECT')) AS readable`,
  )
  if (table?.readable !== true) return null
  const [held] = await session.query<{ operation: string }>(
    'SELECT k.operation FROM capstan.kept_out k JOIN pg_catalog.pg_database d ON d.oid = k.oid WHERE d.datname = $1',
    [database],
  )
  return held?.operation ?? null
}

/** What speaks against it that everybody but those who may is kept out now, a sentence each. `session`: in the keyhole. Reads only. */
export async function notKeptOut(
  session: Session,
  { database, keep }: Pick<KeepOutInput, 'database' | 'keep'>,
): Promise<string[]> {
  const [found] = await session.query<Found & { held: boolean; grants: readonly GrantRow[]; inside: number }>(
    `SELECT d.oid::bigint AS oid, o.rolname::text AS owner, ${ownerWay(session)} AS way,
            EXISTS (SELECT FROM capstan.kept_out k WHERE k.oid = d.oid) AS held,
            coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(g)) FROM (${GRANTS}) g), '[]') AS grants,
            (SELECT count(*) FROM (${uninvitedIn('d.oid')}) u) AS inside
       FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles o ON o.oid = d.datdba WHERE d.datname = $1`,
    [database],
  )
  if (found?.held !== true) return [`nobody is kept out of ${database}`]
  ownOf(session, database, found)
  const others = takenFrom(found.grants, database).filter(({ role }) => role === null || !keep.includes(role))
  return [
    ...others.map(({ role }) => `${role ?? 'PUBLIC'} may connect to ${database}`),
    ...(found.inside === 0 ? [] : [`${found.inside} sessions in ${database} are of roles that may not connect to it`]),
  ]
}

/** Why `keepOut` would refuse, a sentence each; none: it would not. `session`: of any database, as the master. Reads only. */
export async function keepOutObstacles(session: Session, database: string): Promise<string[]> {
  try {
    await ownDatabase(session, database)
    await grantsOf(session, database)
    return []
  } catch (error) {
    if (error instanceof Failure && error.code === 'FENCE_REFUSED') return [error.message]
    throw error
  }
}

/** What is held already stays, and an operation that comes to it remembers how it was. */
const REMEMBER = `
  INSERT INTO capstan.kept_out AS held (oid, operation, grants, added) VALUES ($1::bigint::oid, $2, $3::jsonb, $4::text[])
  ON CONFLICT (oid) DO UPDATE SET operation = excluded.operation, grants = held.grants || excluded.grants, added = held.added || excluded.added,
    before = CASE WHEN held.operation = excluded.operation THEN held.before
                  ELSE pg_catalog.jsonb_build_object('operation', held.operation, 'grants', held.grants, 'added', pg_catalog.to_jsonb(held.added)) END`

async function remembered(session: Session, oid: number): Promise<Grant[]> {
  return session.query<Grant & Record<string, unknown>>(
    `SELECT r.role, r.grantable FROM capstan.kept_out k, LATERAL (${REMEMBERED}) r WHERE k.oid = $1::bigint::oid`,
    [oid],
  )
}

async function ownDatabase(session: Session, database: string): Promise<Found & { readonly way: OwnerWay }> {
  const [found] = await session.query<Found>(
    `SELECT d.oid::bigint AS oid, o.rolname::text AS owner, ${ownerWay(session)} AS way
       FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles o ON o.oid = d.datdba WHERE d.datname = $1`,
    [database],
  )
  return ownOf(session, database, found)
}

function ownOf<T extends Found>(
  { endpoint: { user, host } }: Session,
  database: string,
  found: T | undefined,
): T & { readonly way: OwnerWay } {
  if (found === undefined) throw failure('FENCE_REFUSED', `There is no database ${database} on ${host}.`, { database, host })
  const { way, owner } = found
  if (way !== null) return { ...found, way }
  throw failure(
    'FENCE_REFUSED',
    `Database ${database} on ${host} belongs to ${owner}, and ${user} may not say who connects to it: GRANT ${quoteIdentifier(owner)} TO ${quoteIdentifier(user)}.`,
    { database, owner },
  )
}

interface GrantRow extends Grant, Record<string, unknown> {
  readonly byOwner: boolean
  readonly known: boolean
}

/** Of a database `d`, all but the owner's own. */
const GRANTS = `SELECT r.rolname::text AS role, e.is_grantable AS grantable, e.grantor = d.datdba AS "byOwner", e.grantee = 0 OR r.oid IS NOT NULL AS known
       FROM pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) e
       LEFT JOIN pg_catalog.pg_roles r ON r.oid = e.grantee
      WHERE e.privilege_type = 'CONNECT' AND e.grantee <> d.datdba ORDER BY 1`

async function grantsOf(session: Session, database: string): Promise<Grant[]> {
  const grants = await session.query<GrantRow>(
    `SELECT g.* FROM pg_catalog.pg_database d, LATERAL (${GRANTS}) g WHERE d.datname = $1`,
    [database],
  )
  return takenFrom(grants, database)
}

function takenFrom(grants: readonly GrantRow[], database: string): Grant[] {
  const handedOn = grants.find(({ byOwner }) => !byOwner)
  if (handedOn === undefined) return grants.filter(({ known }) => known).map(({ role, grantable }) => ({ role, grantable }))
  throw failure(
    'FENCE_REFUSED',
    `${handedOn.role ?? 'PUBLIC'} may connect to ${database} by a grant that is not its owner's: take it away (REVOKE … CASCADE) and let the owner grant it.`,
    { database, role: handedOn.role },
  )
}

async function existing(session: Session, roles: readonly string[]): Promise<string[]> {
  const rows = await session.query<{ role: string }>(
    'SELECT DISTINCT r.rolname::text AS role FROM pg_catalog.pg_roles r WHERE r.rolname = ANY ($1::text[]) ORDER BY 1',
    [roles],
  )
  return rows.map(({ role }) => role)
}

const grantee = (role: string | null): string => (role === null ? 'PUBLIC' : quoteIdentifier(role))

const POLL_MS = 20
const ENDING_MS = 30_000
const TO_END = 'CONNECT is taken from them, and to end those that are still inside it needs pg_signal_backend'

/** A session outlives the right by which it came. */
async function endUninvited(session: Session, oid: number, { database, signal }: KeptDatabase): Promise<void> {
  for (const until = performance.now() + ENDING_MS; ; await sleep(POLL_MS, undefined, { signal })) {
    const left = await session.query<{ pid: number }>(UNINVITED, [oid])
    if (left.length === 0) return
    if (performance.now() > until) {
      throw failure(
        'FENCE_REFUSED',
        `CONNECT is taken from them, but ${left.length} sessions in ${database} could not be ended within ${ENDING_MS / 1000} s: end them, then try again.`,
        {
          database,
          sessions: left.length,
        },
      )
    }
    const pids = left.map(({ pid }) => pid)
    await explained(session, TO_END, () =>
      session.query(`SELECT pg_catalog.pg_terminate_backend(a.pid) FROM (${UNINVITED}) a WHERE a.pid = ANY ($2::int[])`, [
        oid,
        pids,
      ]),
    )
  }
}

const uninvitedIn = (oid: string): string => `
  SELECT a.pid FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
   WHERE a.datid = ${oid} AND a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type NOT LIKE 'logical replication%'
     AND NOT pg_catalog.has_database_privilege(r.oid, a.datid, 'CONNECT')`

const UNINVITED = uninvitedIn('$1::bigint::oid')

/** Roles that may connect to it besides those that may, by whatever right: as a member of one of those above all. Reads only. */
export async function stillIn(session: Session, { database, keep }: Pick<KeepOutInput, 'database' | 'keep'>): Promise<string[]> {
  const rows = await session.query<{ role: string }>(STILL_IN, [database, keep])
  return rows.map(({ role }) => role)
}

/** Superusers are the cloud's. */
const STILL_IN = `
  SELECT r.rolname::text AS role FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_database d ON d.datname = $1
   WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname <> ALL ($2::text[])
     AND pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT') ORDER BY 1`
