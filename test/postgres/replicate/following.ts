/** A database and its standby, which follows it by a subscription of its master: made by plain SQL, so that what is tested here stands on nothing else. */
import type { PostgresMajor } from '../../../pgserver/binaries'
import { connect, type Session } from '../../../postgres/connect/session'
import { ensureControlSchema } from '../../../postgres/migrate/control-schema'
import { MARKER_TABLE } from '../../../postgres/replicate/marker'
import { until } from '../../support/eventually'
import { startTestServer, type TestDatabase, type TestServer } from '../support/server'

export interface Servers {
  readonly source: TestServer
  readonly target: TestServer
  /** A new pair of databases, the one following the other. */
  pair(): Promise<Pair>
  stop(): Promise<void>
}

export interface Pair {
  readonly source: TestDatabase
  readonly target: TestDatabase
  /** As the master, in either's database. */
  readonly here: Session
  readonly there: Session
  readonly superuserHere: Session
  readonly superuserThere: Session
  readonly publication: string
  readonly slot: string
  readonly subscription: string
}

/** For several pairs at once. */
const ROOM = {
  max_worker_processes: '24',
  max_logical_replication_workers: '20',
  max_wal_senders: '20',
  max_replication_slots: '20',
}

/** Its table `written` has number 0; `app` and the master may write to it. The standby has to be 16 or newer: only there may a master subscribe. */
export async function startServers(sourceMajor: PostgresMajor, targetMajor: PostgresMajor): Promise<Servers> {
  const [source, target] = await Promise.all([startTestServer(sourceMajor, ROOM), startTestServer(targetMajor, ROOM)])
  for (const server of [source, target]) {
    const superuser = await (await server.database()).connectAsSuperuser()
    await superuser.execute(`CREATE ROLE app LOGIN PASSWORD 'secret'; CREATE ROLE follower LOGIN REPLICATION PASSWORD 'secret'`)
    const [{ major } = { major: 0 }] = await superuser.query<{ major: number }>(
      `SELECT current_setting('server_version_num')::int / 10000 AS major`,
    )
    if (major >= 16) await superuser.execute('GRANT pg_create_subscription TO master')
  }
  let count = 0
  return {
    source,
    target,
    pair: () => makePair({ source, target }, ++count),
    stop: async () => {
      await Promise.all([source.stop(), target.stop()])
    },
  }
}

const TABLES = `CREATE TABLE written (n int PRIMARY KEY); GRANT INSERT, SELECT ON written TO app; GRANT SELECT ON written TO follower`

async function makePair(servers: Pick<Servers, 'source' | 'target'>, count: number): Promise<Pair> {
  const [source, target] = [await servers.source.database(), await servers.target.database()]
  const [here, there] = [await source.connect(), await target.connect()]
  for (const session of [here, there]) {
    await ensureControlSchema(session)
    await session.execute(TABLES)
    await session.execute('GRANT USAGE ON SCHEMA capstan TO follower; GRANT SELECT ON ALL TABLES IN SCHEMA capstan TO follower')
  }
  const [publication, slot, subscription] = [`forward_${count}`, `forward_slot_${count}`, `forward_sub_${count}`]
  await here.execute(`INSERT INTO written VALUES (0); CREATE PUBLICATION ${publication} FOR TABLE written, ${MARKER_TABLE}`)
  await there.execute(
    `CREATE SUBSCRIPTION ${subscription} CONNECTION '${conninfo(source)}' PUBLICATION ${publication} WITH (slot_name = ${slot})`,
  )
  await until(
    'the first copies',
    async () => (await there.query(`SELECT FROM pg_subscription_rel WHERE srsubstate <> 'r'`)).length === 0,
  )
  return {
    ...{ source, target, here, there, publication, slot, subscription },
    superuserHere: await source.connectAsSuperuser(),
    superuserThere: await target.connectAsSuperuser(),
  }
}

/** As whom a standby follows. */
export function conninfo({ options: { host, port, database } }: TestDatabase, as = 'follower'): string {
  return `host=${host} port=${port} dbname=${database} user=${as} password=secret`
}

/** In any database of the pair's source, as a switchover asks it while the pair's own is closed. */
export function beside({ source }: Pair): Promise<Session> {
  return connect({ ...source.options, database: 'postgres' })
}

export async function numbersIn(session: Session): Promise<Set<number>> {
  const rows = await session.query<{ n: number }>('SELECT n FROM written')
  return new Set(rows.map(({ n }) => n))
}
