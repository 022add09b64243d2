/** Looks at a whole instance, and at one database of it or at each. Changes nothing, reads no row of any table of its users, and says what it
 *  could not see: that nothing was found is worth as much as what was looked at. */
import { Failure } from '../../contracts/failures'
import type { HealthFinding, HealthReport, LookedAt, NotKnown } from '../../contracts/health'
import type { Row, Session } from '../connect/session'
import type { Check } from './check'
import { ARCHIVING } from './checks/archiving'
import { AUTOVACUUM, AUTOVACUUM_OF_TABLES } from './checks/autovacuum'
import { CHECKSUMS } from './checks/checksums'
import { COLLATIONS } from './checks/collations'
import { CONNECTIONS } from './checks/connections'
import { CONSTRAINTS } from './checks/constraints'
import { DURABILITY } from './checks/durability'
import { INDEXES } from './checks/indexes'
import { PREPARED_TRANSACTIONS } from './checks/prepared-transactions'
import { PUBLISHED_TABLES } from './checks/published-tables'
import { REPLICA_IDENTITY } from './checks/replica-identity'
import { REPLICATION_SLOTS } from './checks/replication-slots'
import { SEQUENCES } from './checks/sequences'
import { SESSIONS } from './checks/sessions'
import { WRAPAROUND } from './checks/wraparound'
import { byHurt, HEALTH_LIMITS, type HealthLimits } from './finding'
import { ask, readOnly } from './read-only'

const ALL: readonly Check[] = [
  CHECKSUMS,
  WRAPAROUND,
  DURABILITY,
  ARCHIVING,
  REPLICATION_SLOTS,
  CONNECTIONS,
  SEQUENCES,
  PUBLISHED_TABLES,
  PREPARED_TRANSACTIONS,
  SESSIONS,
  COLLATIONS,
  AUTOVACUUM,
  AUTOVACUUM_OF_TABLES,
  INDEXES,
  CONSTRAINTS,
  REPLICA_IDENTITY,
]

export interface ExamineOptions {
  /** Opens a session on a database of the instance; null: on the one that was named. Fails as `connect` does. */
  readonly connect: (database: string | null) => Promise<Session>
  /** Look into every database of the instance, one after the other, and not only into the one that was named. */
  readonly everyDatabase: boolean
  readonly limits?: HealthLimits
  readonly signal?: AbortSignal
}

/** Fails as `connect` does on the database that was named, with CONNECTION_LOST, or with the signal's reason. */
export async function examine({ connect, everyDatabase, limits = HEALTH_LIMITS, signal }: ExamineOptions): Promise<HealthReport> {
  const findings: HealthFinding[] = []
  const notKnown: NotKnown[] = []
  const look = async (session: Session, checks: readonly Check[]): Promise<void> => {
    for (const check of checks) {
      const answer = await ask(session, check, limits, signal)
      findings.push(...answer.findings)
      notKnown.push(...answer.notKnown)
    }
  }
  const first = await withSession(
    () => connect(null),
    async (session) => {
      const about = await readOnly(session, () => aboutServer(session))
      const databases = await readOnly(session, () => databasesOf(session))
      await look(session, ALL)
      return { about, databases }
    },
  )
  const databases: LookedAt[] = []
  for (const { name, closed } of first.databases) {
    if (name === first.about.database) databases.push({ name, looked: true, why: null })
    else if (!everyDatabase || closed !== null) databases.push({ name, looked: false, why: everyDatabase ? closed : null })
    else databases.push(await lookInto(name, { connect, signal }, (session) => look(session, OF_A_DATABASE)))
  }
  const { database: _named, ...about } = first.about
  return { ...about, databases, findings: findings.sort(byHurt), notKnown }
}

const OF_A_DATABASE = ALL.filter(({ scope }) => scope === 'database')

/** One that cannot be entered is told and keeps nobody from the others. Throws CONNECTION_LOST, or the signal's reason. */
async function lookInto(
  name: string,
  { connect, signal }: { connect: ExamineOptions['connect']; signal: AbortSignal | undefined },
  work: (session: Session) => Promise<void>,
): Promise<LookedAt> {
  try {
    await withSession(() => connect(name), work)
    return { name, looked: true, why: null }
  } catch (error) {
    // its reason may be a failure as well, and says nothing of this database
    signal?.throwIfAborted()
    if (error instanceof Failure && error.code !== 'CONNECTION_LOST') return { name, looked: false, why: error.message }
    throw error
  }
}

async function withSession<T>(open: () => Promise<Session>, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await open()
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}

type About = Pick<HealthReport, 'at' | 'engineVersion' | 'role' | 'standby'> & { readonly database: string }

async function aboutServer(session: Session): Promise<About> {
  const [row] = await session.query<About & Row>(
    `SELECT clock_timestamp() AS at, split_part(current_setting('server_version'), ' ', 1) AS "engineVersion", current_user::text AS role,
            pg_is_in_recovery() AS standby, current_database()::text AS database`,
  )
  if (row === undefined) throw new Error('the server does not say who it is')
  return row
}

async function databasesOf(session: Session): Promise<{ name: string; closed: string | null }[]> {
  const rows = await session.query<{ name: string; connectable: boolean; allowed: boolean }>(
    `SELECT datname::text AS name, datallowconn AS connectable, has_database_privilege(oid, 'CONNECT') AS allowed
       FROM pg_catalog.pg_database WHERE NOT datistemplate ORDER BY datname`,
  )
  return rows.map(({ name, connectable, allowed }) => ({
    name,
    closed: connectable ? (allowed ? null : 'The role may not connect to it: grant CONNECT.') : 'It takes no connections.',
  }))
}
