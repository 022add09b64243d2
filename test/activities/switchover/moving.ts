/** The activities of a switchover, one after the other as its workflow calls them, on two real servers and a real ledger: what stands between two of them can
 *  be disturbed there, which takes minutes by the whole stack. */
import { Client, Connection } from '@temporalio/client'
import { type Act, runAct } from '../../../activities/act'
import type { ActivityDeps } from '../../../activities/deps'
import { createFenceActivities } from '../../../activities/fence/fence'
import type { Replicating, ReplicationActivities } from '../../../activities/replication/contract'
import { createReplicationActivities } from '../../../activities/replication/replication'
import { lookAtStandby } from '../../../activities/replication/watch'
import type { Watching } from '../../../activities/switchover/contract'
import { assertOursStill } from '../../../activities/switchover/ours'
import { createSwitchoverActivities } from '../../../activities/switchover/switchover'
import { createTrafficActivities } from '../../../activities/traffic/traffic'
import type { MovedEndpoint } from '../../../contracts/endpoint'
import type { DatabaseEntry } from '../../../contracts/fleet'
import type { SwitchoverPlan, SwitchoverPlanSummary } from '../../../contracts/switchover'
import { type Ledger, openLedger } from '../../../ledger/ledger'
import type { PostgresMajor } from '../../../pgserver/binaries'
import { connect, type Session } from '../../../postgres/connect/session'
import { ensureControlSchema } from '../../../postgres/migrate/control-schema'
import { MARKER_TABLE } from '../../../postgres/replicate/marker'
import { standbyNames } from '../../../postgres/replicate/names'
import { BEAT_TABLE } from '../../../postgres/replicate/watch/beat'
import { startTestTemporal } from '../../client/temporal-server'
import { startTestServer, type TestDatabase, type TestServer } from '../../postgres/support/server'
import { until } from '../../support/eventually'

type Side = 'source' | 'standby'
type As = 'master' | 'mover' | 'app' | 'reader' | 'postgres'

export interface Moving {
  readonly operation: string
  readonly ledger: Ledger
  readonly names: Readonly<Record<Side, string>>
  /** What the way back's publication, slot and subscription are called. */
  readonly back: string
  /** Statements on either side, in its database or another; the session is closed again. */
  on(side: Side, as: As, sql: string, database?: string): Promise<Record<string, unknown>[]>
  /** Stays until it is closed. */
  inside(side: Side, as: As, applicationName?: string): Promise<Session>
  plan(): Promise<SwitchoverPlanSummary & Pick<SwitchoverPlan, 'warnings'>>
  /** With what `plan` said last. */
  input(step: string): Watching & { holds: boolean }
  /** In an attempt of its own; `how`: what is different about it. */
  act<T>(work: (activities: ReturnType<typeof createSwitchoverActivities>) => Promise<T>, how?: Partial<Act>): Promise<T>
  /** Up to the fence, and behind it. */
  crossed(): Promise<void>
  /** Moves an endpoint to the standby, as the step does: by the programs of this folder. */
  led(folder: string, how?: Partial<Act>): Promise<MovedEndpoint>
  takenBack(): Promise<void>
  /** Of the old writer as a standby of the new one; each call in an operation of its own. */
  replicating<T>(
    action: 'resume' | 'reseed',
    work: (activities: ReplicationActivities, input: Replicating) => Promise<T>,
  ): Promise<T>
  /** Looked at until its watch finds something of this rule. */
  told(rule: string): Promise<void>
  /** Rounds of looks at the standby, as its watch does them, until it is aborted; `turned`: at the old writer, which follows. */
  watched(signal: AbortSignal, turned?: 'turned'): Promise<void>
}

export interface Movers {
  readonly servers: Readonly<Record<Side, TestServer>>
  /** A new pair of databases, the one following the other, and an operation that is to move writing; `oneWay`: why with no way back. */
  moving(through?: Through, oneWay?: string): Promise<Moving>
  /** Whoever writes a document of such a name into the ledger, as LIKE takes it, waits until the gate is opened. */
  gate(name: string): Promise<Gate>
  stop(): Promise<void>
}

/** Ports by which activities reach either server; whoever else does, and one server the other, goes by its own. */
export type Through = Readonly<Record<Side, number>>

export interface Gate {
  /** Until somebody waits. */
  waiting(): Promise<void>
  /** Ends the connections of those that wait. */
  cut(): Promise<void>
  open(): Promise<void>
}

const ROOM = {
  max_worker_processes: '24',
  max_logical_replication_workers: '20',
  max_wal_senders: '20',
  max_replication_slots: '20',
}
const PASSWORD = 'secret'

export async function startMovers(major: PostgresMajor = 17): Promise<Movers> {
  const [source, standby, temporal] = await Promise.all([
    startTestServer(major, ROOM),
    startTestServer(17, ROOM),
    // whoever watches a standby is started there, and works at nothing here
    startTestTemporal(),
  ])
  const connection = await Connection.connect({ address: temporal.address })
  const client = new Client({ connection })
  for (const server of [source, standby]) {
    const superuser = await (await server.database()).connectAsSuperuser()
    await superuser.execute(`CREATE ROLE mover LOGIN PASSWORD '${PASSWORD}'; CREATE ROLE app LOGIN PASSWORD '${PASSWORD}';
      CREATE ROLE reader LOGIN PASSWORD '${PASSWORD}'; CREATE ROLE follower LOGIN REPLICATION PASSWORD '${PASSWORD}';
      ALTER ROLE master REPLICATION; GRANT mover TO master`)
    // before 16 there is no such role
    if (superuser.serverVersionNum >= 160_000) await superuser.execute('GRANT pg_create_subscription TO master')
  }
  // beside the standby: what is asked of a source that stands still needs it
  const { options } = await standby.database()
  const ledger = openLedger({ url: `postgres://${options.user}:${PASSWORD}@${options.host}:${options.port}/${options.database}` })
  await ledger.migrate()
  let [count, gates] = [0, 0]
  return {
    servers: { source, standby },
    moving: async (through, oneWay) => makeMoving({ source, standby }, { ledger, client }, ++count, { through, oneWay }),
    gate: async (name) => gateOf(await connect(options), name, ++gates),
    async stop() {
      await ledger.close()
      await connection.close()
      await Promise.all([source.stop(), standby.stop(), temporal.stop()])
    },
  }
}

const TABLES = `CREATE TABLE public.orders (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, what text);
  CREATE UNLOGGED TABLE public.scratch (n int);
  GRANT SELECT, INSERT, UPDATE ON public.orders TO app; GRANT SELECT ON public.orders TO follower;
  GRANT USAGE ON SCHEMA capstan TO follower; GRANT SELECT ON ${BEAT_TABLE}, ${MARKER_TABLE} TO follower`

/** As the history of one side alone. */
export const RAN_ROWS = `CREATE TABLE public.flyway_schema_history AS SELECT 1 AS installed_rank, '9'::text AS version, 'rows'::text AS description, 'SQL'::text AS type,
  'V9__rows.sql'::text AS script, 7 AS checksum, 'mover'::text AS installed_by, now()::timestamp AS installed_on, 1 AS execution_time, true AS success`

function entryOf(name: string, database: string): DatabaseEntry {
  const role = { secret: 'env:IT', host: null, port: null, tls: 'disable' } as const
  return {
    ...{ name, cloud: 'gcp', account: 'shop-production', region: 'europe-west3', instance: name, database },
    ...{ environment: 'test', labels: {}, migrations: null },
    connections: { admin: { ...role, user: 'master' }, migrator: { ...role, user: 'mover' } },
    checks: { rowCounts: [], invariants: [], smoke: [] },
    policy: {
      ...{ approval: 'none', lockTimeoutMs: 1, lockAttempts: 1, bakeSeconds: 0, snapshotRetentionHours: 1 },
      limits: { writeBlockMsMax: null, rewriteRowsMax: null, statementMsMax: null, walBytesMax: null },
    },
    canary: { networks: ['127.0.0.0/8'], instanceClass: null },
  } as const satisfies DatabaseEntry
}

async function gateOf(session: Session, name: string, key: number): Promise<Gate> {
  await session.query('SELECT pg_advisory_lock($1)', [key])
  await session.execute(`CREATE FUNCTION public.gate_${key}() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.name LIKE '${name}' THEN PERFORM pg_advisory_xact_lock(${key}); END IF; RETURN NEW; END $$;
    CREATE TRIGGER gate_${key} BEFORE INSERT OR UPDATE ON ledger.documents FOR EACH ROW EXECUTE FUNCTION public.gate_${key}()`)
  const waiters = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = ${key} AND NOT granted`
  return {
    waiting: () => until('the ledger to be waited for', async () => (await session.query(waiters)).length > 0),
    cut: async () => void (await session.query(`SELECT pg_terminate_backend(w.pid) FROM (${waiters}) w`)),
    async open() {
      await session.query('SELECT pg_advisory_unlock($1)', [key])
      await session.execute(`DROP FUNCTION public.gate_${key}() CASCADE`)
      await session.close()
    },
  }
}

async function follow(databases: Readonly<Record<Side, TestDatabase>>, names: ReturnType<typeof standbyNames>): Promise<void> {
  const { options } = databases.source
  const [here, there] = await Promise.all([databases.source.connect(), databases.standby.connect()])
  for (const [session, database] of [
    [here, databases.source],
    [there, databases.standby],
  ] as const) {
    await session.execute(`GRANT ALL ON DATABASE ${database.options.database} TO mover; GRANT ALL ON SCHEMA public TO mover`)
    const mover = await connect({ ...database.options, user: 'mover' })
    await ensureControlSchema(mover)
    await mover.execute(TABLES)
    await mover.close()
  }
  const mover = await connect({ ...options, user: 'mover' })
  await mover.execute(
    `INSERT INTO public.orders (what) VALUES ('first'); CREATE PUBLICATION ${names.publication} FOR TABLE public.orders, ${BEAT_TABLE}, ${MARKER_TABLE} WITH (publish_via_partition_root = true)`,
  )
  await mover.close()
  await here.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [names.slot])
  const conninfo = `host=${options.host} port=${options.port} dbname=${options.database} user=follower password=${PASSWORD}`
  await there.execute(
    `CREATE SUBSCRIPTION ${names.subscription} CONNECTION '${conninfo}' PUBLICATION ${names.publication} WITH (create_slot = false, slot_name = ${names.slot})`,
  )
  await until(
    'the first copies',
    async () => (await there.query(`SELECT FROM pg_subscription_rel WHERE srsubstate <> 'r'`)).length === 0,
  )
  await Promise.all([here.close(), there.close()])
}

async function makeMoving(
  servers: Readonly<Record<Side, TestServer>>,
  { ledger, client }: { readonly ledger: Ledger; readonly client: Client },
  count: number,
  { through, oneWay }: { readonly through?: Through | undefined; readonly oneWay?: string | undefined },
): Promise<Moving> {
  const databases = { source: await servers.source.database(), standby: await servers.standby.database() }
  const id = { source: `shop-${count}`, target: `stand-${count}` }
  const operation = `moving-${count}`
  await follow(databases, standbyNames(id))
  const declaredOn = (side: Side) => {
    const { host, port } = databases[side].options
    const publisher = { user: 'follower', secret: 'env:IT', host, port, tls: 'disable' } as const
    return { publisher, retainedBytesMax: 1e9, lagMsMax: 60_000 }
  }
  const [declared, back] = [declaredOn('source'), declaredOn('standby')]
  const nameOf = (side: Side) => databases[side].options.database
  const entries = { source: entryOf(id.source, nameOf('source')), standby: entryOf(id.target, nameOf('standby')) }
  const asked = { rehearse: false, drainMsMax: 20_000, compareMsMax: 0, ...(oneWay === undefined ? {} : { oneWay }) }
  const request = { standby: entries.standby, declared, back: oneWay === undefined ? back : null, ...asked }
  const bundle = await ledger.putBundle({ version: 1, database: entries.source, migrations: [], switchover: request as never })
  const at = new Date().toISOString()
  const about = {
    kind: 'switchover',
    databases: [id.source, id.target],
    cloud: 'gcp',
    environment: 'test',
    mode: 'apply',
  } as const
  await ledger.openOperation({ id: operation, ...about, requestedBy: 'ada', startedAt: at, bundle } as never)
  const addressOf = (side: Side, instance: string) => {
    const { host, port } = databases[side].options
    return { instance, instanceId: `i-${instance}`, host, port: through?.[side] ?? port, engineVersion: '17' }
  }
  const sides = { source: addressOf('source', id.source), standby: addressOf('standby', id.target) }
  const instances = { source: sides.source.instanceId, target: sides.standby.instanceId }
  await ledger.openStandby({ ...id, operation: 'set-up', at, instances, names: standbyNames(id), declared: declared as never })
  await ledger.changeStandby({ ...id, from: 'building', to: 'following', reason: null, operation: 'set-up', at })
  await ledger.noteLook({
    ...id,
    look: {
      at,
      source: null,
      target: null,
      unreached: [],
      beatAt: at,
      lagMs: 5,
      lagBytes: 0,
      copySlots: null,
      schemaDiffers: [],
      findings: [],
    },
  })

  const deps: ActivityDeps = {
    ledger,
    cloudOf: () => {
      throw new Error('these ask no cloud')
    },
    ...{ resolveSecret: async () => PASSWORD, secretKey: Buffer.alloc(32), sourceAddress: null },
    endpoints: { commands: null, labRouter: null },
  }
  let scheduledAtMs = Date.now()
  const running = <T>(work: () => Promise<T>, how: Partial<Act> = {}): Promise<T> => {
    const act = { attempt: 1, scheduledAtMs: ++scheduledAtMs, signal: new AbortController().signal, stale: () => false }
    return runAct({ ...act, client, isCurrent: async () => true, ...how }, work)
  }
  const activities = createSwitchoverActivities(deps)
  const fence = createFenceActivities(deps)
  let planned: SwitchoverPlanSummary | null = null
  const ref = (step: string) => ({ operation, step, bundle })
  const lockOf = async (side: Side) => {
    const scope = `lock/gcp/shop-production/europe-west3/${entries[side].instance}`
    return { scope, epoch: await ledger.nextEpoch({ scope, operation }) }
  }
  const locks = { source: await lockOf('source'), standby: await lockOf('standby') }
  const it: Moving = {
    ...{ operation, ledger, names: { source: nameOf('source'), standby: nameOf('standby') } },
    back: standbyNames({ source: id.target, target: id.source }).slot,
    async on(side, as, sql, database = nameOf(side)) {
      const session = await connect({ ...databases[side].options, database, user: as, applicationName: 'a test' })
      return session.query(sql).finally(() => session.close()) as Promise<Record<string, unknown>[]>
    },
    inside: (side, as, applicationName = 'a test') => connect({ ...databases[side].options, user: as, applicationName }),
    async plan() {
      const scope = { databases: [nameOf('source')] }
      const asked = { ...ref('plan'), target: sides.source, scope, copy: false, lock: locks.source }
      const raised = await running(() => fence.planFence(asked))
      const endpoint = { kind: 'none', at: null, summary: 'a person moves applications' } as const
      const pause = { kind: 'none', poolers: [], objections: [], waitMsMax: null, waitMsAfter: 0 } as const
      planned = await running(() => activities.planSwitchover({ ...ref('plan'), sides, locks, fence: raised, endpoint, pause }))
      const { warnings } = (await ledger.getDocument({ operation, name: 'switchover-plan' })) as SwitchoverPlan
      return { ...planned, warnings }
    },
    input(step) {
      if (planned === null) throw new Error('nothing was planned')
      const { epochs, fenceEpoch } = planned
      return { ...ref(step), sides, epochs, fenceEpoch, holds: false, heartbeatTimeoutMs: 3_000 }
    },
    act: (work, how) => running(() => work(activities), how),
    async crossed() {
      const { blocks } = await it.plan()
      expect(blocks).toEqual([])
      await it.act((on) => on.prepareWayBack(it.input('way-back')))
      await it.act((on) => on.fenceAndDrain(it.input('cross')))
    },
    async led(folder, how) {
      const endpoint = { kind: 'command', move: ['move'], check: ['check'], timeoutMs: 5_000 } as const
      const its = await ledger.putBundle({
        version: 1,
        database: { ...entries.source, endpoint },
        migrations: [],
        switchover: request as never,
      })
      const stands = { ...it.input('move'), bundle: its }
      const access = { ...deps, endpoints: { commands: { folder, path: process.env.PATH ?? '' }, labRouter: null } }
      const traffic = createTrafficActivities(access, (asked) => assertOursStill(deps, asked))
      return running(
        () => traffic.moveEndpoint({ ...ref('move'), bundle: its, stands, from: sides.source, to: sides.standby }),
        how,
      )
    },
    async takenBack() {
      await it.act((on) => on.takeBackFence(it.input('cross')))
      await it.act((on) => on.dropWayBack(it.input('way-back')))
    },
    async replicating(action, work) {
      const asked = `${action}-${count}-${++scheduledAtMs}`
      const turned = { action, table: null, standby: entries.source, declared: back }
      const its = await ledger.putBundle({ version: 1, database: entries.standby, migrations: [], replicate: turned as never })
      await ledger.openOperation({ id: asked, ...about, kind: action, requestedBy: 'ada', startedAt: at, bundle: its } as never)
      const ref = { operation: asked, step: action, bundle: its, sides: { source: sides.standby, standby: sides.source } }
      const on = createReplicationActivities(deps)
      const scoped = { source: { scope: locks.standby.scope, epoch: 0 }, standby: { scope: locks.source.scope, epoch: 0 } }
      const { epochs } = await running(() => on.examineStandby({ ...ref, locks: scoped }))
      return running(() => work(on, { ...ref, epochs }))
    },
    async told(rule) {
      const over = new AbortController()
      const watched = it.watched(over.signal)
      const told = async () => (await ledger.getStandby(id))?.look?.findings.some((one) => one.rule === rule) === true
      await until(`the watch to tell of ${rule}`, told).finally(() => over.abort())
      await watched
    },
    async watched(signal, turned) {
      const asked = { version: 1, cloud: 'gcp', standbyCloud: 'gcp', heartbeatTimeoutMs: 3_000 } as const
      const round = async () => {
        const its = { ...request, standby: entries.source, declared: back, back: declared }
        const there = { version: 1, database: entries.standby, migrations: [], switchover: its as never } as const
        const places = { source: sides.standby, standby: sides.source }
        return { ...asked, source: id.target, target: id.source, bundle: await ledger.putBundle(there), sides: places }
      }
      const watch = turned === undefined ? { ...asked, ...id, bundle, sides } : await round()
      try {
        while (!signal.aborted) await running(() => lookAtStandby(deps, watch), { signal })
      } catch (error) {
        if (!signal.aborted) throw error
      }
    },
  }
  return it
}
