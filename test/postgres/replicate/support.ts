/** A source and a standby as clouds give them: masters that are no superusers, and a role that may only follow. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Failure } from '../../../contracts/failures'
import type { PostgresMajor } from '../../../pgserver/binaries'
import type { ConnectOptions } from '../../../postgres/connect/connect-options'
import { scramVerifier } from '../../../postgres/connect/scram-verifier'
import { connect, type Session } from '../../../postgres/connect/session'
import type { Publisher } from '../../../postgres/replicate/conninfo'
import { copyProgress } from '../../../postgres/replicate/copy-progress'
import { standbyNames } from '../../../postgres/replicate/names'
import { ensurePublication } from '../../../postgres/replicate/publication'
import { ensureSlot } from '../../../postgres/replicate/slot'
import { ensureSubscription, type SubscriptionInput } from '../../../postgres/replicate/subscription'
import { until } from '../../support/eventually'
import { type EnvironmentIn, startTestServer, type TestServer } from '../support/server'

export const FOLLOWER_PASSWORD = `it's a \\follower 'secret' of s0me length`

/** Workers come again soon, and there is room for those of all tests. */
const SETTINGS = {
  wal_retrieve_retry_interval: '100ms',
  max_connections: '120',
  max_worker_processes: '24',
  max_logical_replication_workers: '16',
  max_replication_slots: '40',
  max_wal_senders: '20',
}

export interface Side {
  readonly options: ConnectOptions
  /** As the master. */
  readonly master: Session
  readonly superuser: Session
}

export interface ReplicatingServer {
  readonly server: TestServer
  side(): Promise<Side>
  /** All that it has logged. */
  log(): string
}

export async function startReplicating(
  major: PostgresMajor,
  more: Readonly<Record<string, string>> = {},
  environment?: EnvironmentIn,
): Promise<ReplicatingServer> {
  const server = await startTestServer(major, { ...SETTINGS, ...more }, environment)
  const admin = await (await server.database()).connectAsSuperuser()
  // in no log, for those who look whether the password is in one
  await admin.execute(
    `ALTER ROLE master REPLICATION; CREATE ROLE follower LOGIN REPLICATION PASSWORD '${scramVerifier(FOLLOWER_PASSWORD)}'`,
  )
  if (major >= 16) await admin.execute('GRANT pg_create_subscription TO master')
  const [folder] = await admin.query<{ folder: string }>(`SELECT current_setting('data_directory') AS folder`)
  return {
    server,
    async side() {
      const database = await server.database()
      return { options: database.options, master: await database.connect(), superuser: await database.connectAsSuperuser() }
    },
    log: () => readFileSync(path.join(path.dirname(folder!.folder), 'server.log'), 'utf8'),
  }
}

let count = 0

export interface Pair {
  readonly source: Side
  readonly standby: Side
  readonly names: ReturnType<typeof standbyNames>
  readonly publisher: Publisher
}

/** `schema`: made on both, and all its tables may be read by who follows. */
export async function pairOf(from: ReplicatingServer, to: ReplicatingServer, schema: string): Promise<Pair> {
  count += 1
  const [source, standby] = [await from.side(), await to.side()]
  for (const { master } of [source, standby]) await master.execute(schema)
  await source.master.execute('GRANT SELECT ON ALL TABLES IN SCHEMA public TO follower')
  const { host, port, database } = source.options
  return {
    source,
    standby,
    names: standbyNames({ source: `shop-${count}`, target: 'shop-elsewhere' }),
    publisher: { host, port, database, user: 'follower', password: FOLLOWER_PASSWORD, tls: 'disable' },
  }
}

export interface Sessions {
  readonly source: Session
  readonly standby: Session
}

/** Publication, slot, subscription, in that order. */
export async function follow(
  { source, standby, names, publisher }: Pair,
  tables: readonly string[],
  more: Partial<SubscriptionInput> = {},
  { source: on, standby: at }: Sessions = { source: source.master, standby: standby.master },
) {
  const published = await ensurePublication(on, { name: names.publication, tables, viaPartitionRoot: true })
  const slot = await ensureSlot(on, { name: names.slot })
  const subscribed = await ensureSubscription(at, {
    name: names.subscription,
    slot: names.slot,
    publication: names.publication,
    publisher,
    copyData: true,
    origin: 'any',
    enabled: true,
    failover: slot.failover,
    ...more,
  })
  return { published, slot, subscribed }
}

export async function copied({ standby, names }: Pair, tables: number): Promise<void> {
  await until(`${tables} tables of ${names.subscription}`, async () => {
    const { ready } = await copyProgress(standby.master, { subscription: names.subscription, sizes: new Map() })
    return ready === tables
  })
}

export async function valuesOf(session: Session, sql: string): Promise<unknown[]> {
  return (await session.query(sql)).map((row) => Object.values(row)[0])
}

/** Waits for the standby to answer the same. */
export async function sameRows({ source, standby }: Pair, sql: string): Promise<void> {
  const expected = JSON.stringify(await valuesOf(source.master, sql))
  await until(`the rows of ${sql}`, async () => JSON.stringify(await valuesOf(standby.master, sql)) === expected)
}

/** What there is of any standby's in a database, on either side. */
export async function remains(side: Side): Promise<string[]> {
  const names = await valuesOf(
    side.superuser,
    `SELECT 'publication ' || pubname FROM pg_publication
     UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE database = current_database()
     UNION ALL SELECT 'subscription ' || subname FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
     UNION ALL SELECT 'table of a subscription ' || srrelid::text FROM pg_subscription_rel
     UNION ALL SELECT 'worker ' || backend_type FROM pg_stat_activity WHERE datname = current_database() AND backend_type ~ '^logical replication .*worker'`,
  )
  return names.map(String)
}

export class Killed extends Error {}

/** What a process holds: how many statements it may still send, and its sessions, which end with it. */
export interface Life {
  left: number
  readonly sessions: Session[]
}

export function lifeOf(statements: number): Life {
  return { left: statements, sessions: [] }
}

/** Dies before the statement that has no life left to be sent. */
export function mortal(session: Session, life: Life): Session {
  life.sessions.push(session)
  return new Proxy(session, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      if (!['query', 'execute', 'copyIn', 'commitWith'].includes(String(key))) return value.bind(target)
      return async (...given: unknown[]) => {
        if (life.left <= 0) {
          await Promise.all(life.sessions.map((one) => one.close()))
          throw new Killed('killed')
        }
        life.left -= 1
        return value.apply(target, given)
      }
    },
  })
}

/** Of whatever a process comes to that may die. */
export async function orKilled(life: Life, work: () => Promise<unknown>): Promise<'done' | 'killed'> {
  try {
    await work()
    return 'done'
  } catch (error) {
    // what was under way beside the statement that was not sent has lost its connection
    if (life.left <= 0 && (error instanceof Killed || (error instanceof Failure && error.code === 'CONNECTION_LOST')))
      return 'killed'
    throw error
  } finally {
    await Promise.all(life.sessions.map((session) => session.close()))
  }
}

/** Runs as a process that may die. */
export async function asProcess(
  pair: Pair,
  lives: number,
  work: (sessions: Sessions) => Promise<unknown>,
): Promise<'done' | 'killed'> {
  const life = lifeOf(lives)
  const source = mortal(await connect(pair.source.options), life)
  const standby = mortal(await connect(pair.standby.options), life)
  return orKilled(life, () => work({ source, standby }))
}
