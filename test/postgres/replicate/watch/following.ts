/** A standby that follows, made by plain SQL, as masters that are no superusers make it. */
import type { CopyProgress } from '../../../../contracts/standby'
import type { Session } from '../../../../postgres/connect/session'
import { ensureControlSchema } from '../../../../postgres/migrate/control-schema'
import { until } from '../../../support/eventually'
import { startTestServer, type TestDatabase, type TestServer } from '../../support/server'

export interface Following {
  readonly source: Session
  readonly standby: Session
  readonly databases: { readonly source: TestDatabase; readonly standby: TestDatabase }
  /** The slot's and the subscription's. */
  readonly name: string
  readonly publication: string
  /** Until all tables are copied. */
  copied(): Promise<void>
}

export async function startSource(major: 15 | 17): Promise<TestServer> {
  const server = await startTestServer(major)
  const root = await (await server.database()).connectAsSuperuser()
  await root.execute('ALTER ROLE master REPLICATION')
  return server
}

export async function startStandby(): Promise<TestServer> {
  const workers = { max_worker_processes: '20', max_logical_replication_workers: '16' }
  const server = await startTestServer(17, { wal_retrieve_retry_interval: '100ms', ...workers })
  const root = await (await server.database()).connectAsSuperuser()
  await root.execute('GRANT pg_create_subscription TO master')
  return server
}

const SCHEMA = 'CREATE TABLE items (id int PRIMARY KEY, name text)'

/** `onStandby`: SQL before it is subscribed; `options`: of the subscription. */
export async function follow(
  servers: { readonly source: TestServer; readonly standby: TestServer },
  { onStandby = '', options = '' }: { onStandby?: string; options?: string } = {},
): Promise<Following> {
  const databases = { source: await servers.source.database(), standby: await servers.standby.database() }
  const [source, standby] = [await databases.source.connect(), await databases.standby.connect()]
  for (const side of [source, standby]) {
    await ensureControlSchema(side)
    await side.execute(SCHEMA)
  }
  const [name, publication] = [`cap_${databases.standby.options.database}`, 'shop']
  await source.execute(`INSERT INTO items SELECT g, 'first' FROM generate_series(-99, 0) g;
    CREATE PUBLICATION ${publication} FOR TABLE items, capstan.standby_beat`)
  if (onStandby !== '') await standby.execute(onStandby)
  const { host, port, database } = databases.source.options
  await standby.execute(`CREATE SUBSCRIPTION ${name} CONNECTION 'host=${host} port=${port} dbname=${database} user=master password=secret'
    PUBLICATION ${publication} WITH (slot_name = '${name}'${options})`)
  return {
    ...{ source, standby, databases, name, publication },
    copied: () => until('the copy', async () => (({ tables, ready }) => tables === ready)(await progress(standby))),
  }
}

/** As far as a look needs it. */
export async function progress(session: Session): Promise<CopyProgress> {
  const [row] = await session.query<{ tables: number; ready: number }>(
    `SELECT count(*) AS tables, count(*) FILTER (WHERE srsubstate = 'r') AS ready FROM pg_subscription_rel`,
  )
  return { tables: row!.tables, ready: row!.ready, copying: [], bytesDone: 0, bytesTotal: 0 }
}

export async function slotsOf(session: Session): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT slot_name::text AS name FROM pg_replication_slots WHERE database = current_database() ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}

/** The process that serves the slot. */
export async function senderOf(source: Session, slot: string): Promise<number | undefined> {
  const [row] = await source.query<{ pid: number | null }>(
    'SELECT active_pid AS pid FROM pg_replication_slots WHERE slot_name = $1',
    [slot],
  )
  return row?.pid ?? undefined
}
