/** What a replacement asks of databases: whether anybody is there, what would be lost, and what was written behind its last look. */
import { Client, Connection } from '@temporalio/client'
import { type Act, runAct } from '../../activities/act'
import type { ActivityDeps } from '../../activities/deps'
import { createFenceActivities } from '../../activities/fence/fence'
import { createReplacementDataActivities } from '../../activities/replacement/data'
import { summaryOf, writtenRows } from '../../activities/replacement/delta'
import { assertMayBeGone, assertStillAsPlanned, writeReplacementPlan } from '../../activities/replacement/plan'
import { shownWritten, writtenBetween } from '../../activities/replacement/written'
import type { ManagedPostgres } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'
import { type DeltaReport, REPLACE_DOCUMENTS } from '../../contracts/replace'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { canaryPassword } from '../../postgres/connect/canary-password'
import { connect, type Session } from '../../postgres/connect/session'
import { assertGone } from '../../workflows/replace/plan'
import { failureOf } from '../postgres/support/apply'
import { freePort, startTestServer, type TestDatabase, type TestServer } from '../postgres/support/server'
import { eventually } from '../support/eventually'

let server: TestServer
let ledger: Ledger
let superuser: Session
beforeAll(async () => {
  server = await startTestServer(17)
  const keeping = await server.database()
  const at = keeping.options
  ledger = openLedger({ url: `postgres://${at.user}:${at.password}@${at.host}:${at.port}/${at.database}` })
  await ledger.migrate()
  superuser = await keeping.connectAsSuperuser()
})
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
})

let operations = 0
const secretKey = Buffer.alloc(32)

const noCloud = (): never => {
  throw new Error('what is asked of databases asks no cloud')
}

/** A replacement of the instance, of which the database is declared. */
async function replacing({ options }: TestDatabase) {
  const operation = `replacing-${++operations}`
  // a name that applications use may lead elsewhere by now, and is not asked
  const role = { secret: 'env:IT', host: 'elsewhere.invalid', port: 1, tls: 'disable' } as const
  const entry = {
    ...{ name: 'stock', cloud: 'gcp', account: 'shop-production', region: 'europe-west3', instance: 'stock' },
    ...{ database: options.database, environment: 'test', labels: {}, migrations: null },
    connections: { admin: { ...role, user: 'master' }, migrator: { ...role, user: 'master' } },
    checks: { rowCounts: [], invariants: [], smoke: [] },
    policy: {
      ...{ approval: 'none', lockTimeoutMs: 1, lockAttempts: 1, bakeSeconds: 0, snapshotRetentionHours: 1 },
      limits: { writeBlockMsMax: null, rewriteRowsMax: null, statementMsMax: null, walBytesMax: null },
    },
    canary: { networks: ['127.0.0.0/8'], instanceClass: null },
  } as const satisfies DatabaseEntry
  const bundle = await ledger.putBundle({ version: 1, database: entry, migrations: [] })
  const about = { kind: 'replace', databases: ['stock'], cloud: 'gcp', environment: 'test', mode: 'apply' } as const
  await ledger.openOperation({ id: operation, ...about, requestedBy: 'ada', startedAt: new Date().toISOString(), bundle })
  const deps: ActivityDeps = {
    ledger,
    cloudOf: noCloud,
    resolveSecret: async () => options.password,
    secretKey,
    sourceAddress: null,
    endpoints: { commands: null, labRouter: null },
  }
  const { host, port } = options
  const live = { instance: 'stock', instanceId: 'db-1', host, port, engineVersion: '17' }
  const act: Act = {
    ...{ attempt: 1, scheduledAtMs: Date.now(), signal: new AbortController().signal, stale: () => false },
    ...{ client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true },
  }
  const data = createReplacementDataActivities(deps)
  const fence = createFenceActivities(deps)
  let at = Date.now()
  return {
    ref: { operation, step: 'plan', bundle },
    ...{ live, data, fence },
    act: <T>(work: () => Promise<T>) => runAct({ ...act, scheduledAtMs: ++at }, work),
  }
}

describe('whether an instance that was said to be gone is', () => {
  test('one that is full, or lets nobody in, is there; where nobody listens, nobody is', async () => {
    const database = await server.database()
    const { ref, live, data, act } = await replacing(database)
    const probe = (source = live) => act(() => data.probeOld({ ...ref, source }))
    expect(await probe()).toMatchObject({ answers: true })
    await superuser.execute('ALTER ROLE master CONNECTION LIMIT 0')
    expect(await probe()).toMatchObject({ answers: true, said: expect.stringContaining('53300') })
    await superuser.execute(
      `ALTER ROLE master CONNECTION LIMIT -1; ALTER DATABASE ${database.options.database} ALLOW_CONNECTIONS false`,
    )
    expect(await probe()).toMatchObject({ answers: true, said: expect.stringContaining('55000') })
    expect(await probe({ ...live, port: await freePort() })).toMatchObject({ answers: false })
  })

  test('its cloud says that it runs no more, or nobody believes it', () => {
    for (const state of ['changing', 'deleting'] as const) {
      expect(() => assertMayBeGone({ name: 'stock', state, cloudState: 'modifying' })).toThrow('it may still take writes')
    }
    for (const state of ['ready', 'stopped', 'failed'] as const) assertMayBeGone({ name: 'stock', state, cloudState: state })
  })

  test('whoever answers at its address is there; without one, nobody may answer where the endpoint leads', async () => {
    const { ref, live, data, act } = await replacing(await server.database())
    const asking = {
      act: { askingData: { probeOld: (input: Parameters<typeof data.probeOld>[0]) => act(() => data.probeOld(input)) } },
      ref: () => ref,
    }
    const silent = { ...live, port: await freePort() }
    const gone = (address: typeof live | null, endpointAt: typeof live | null) =>
      assertGone(asking, { ...live, address, endpointAt })
    await expect(gone(live, null)).rejects.toMatchObject({ type: 'PLAN_DRIFTED' })
    await expect(gone(null, live)).rejects.toMatchObject({ type: 'ENDPOINT_DRIFTED' })
    await gone(silent, null)
    await gone(null, silent)
    await gone(null, null)
  })

  test('an endpoint that leads to another one is not moved away from it, though the instance is down', async () => {
    const { ref, live, act } = await replacing(await server.database())
    const { operation } = ref
    const planOf = async (address: typeof live | null, at: { host: string; port: number }) => {
      const document = { instance: 'stock', source: null, address, inertCopy: 'before-first-start', notCarried: [] }
      await ledger.putDocument({ operation, name: 'replacement-facts', document })
      const endpoint = { kind: 'command', at, summary: '' } as const
      return act(() => writeReplacementPlan({ ledger, cloudOf: noCloud }, { ...ref, fence: null, endpoint }))
    }
    await failureOf(planOf(live, { host: 'other.example', port: 5432 }), 'ENDPOINT_DRIFTED')
    expect(await planOf(live, live)).toMatchObject({ instance: 'stock' })
  })
})

test('what was not captured yet when it was planned was not changed since; what was captured was', async () => {
  const { ref, act } = await replacing(await server.database())
  const { operation, bundle } = ref
  const instance = { instanceId: 'db-1', name: 'stock', account: 'shop-production', region: 'europe-west3', tags: {} }
  const backups = { keptCount: 7, outliveInstance: true }
  const cloud = { describeInstance: async () => instance, describeConfiguration: async () => ({ instanceId: 'db-1', backups }) }
  const cloudOf = () => cloud as unknown as ManagedPostgres
  const planned = (captured: object) => {
    const document = { instanceId: 'db-1', backups: captured }
    return ledger.putDocument({ operation, name: REPLACE_DOCUMENTS.configuration, document })
  }
  const asPlanned = () => act(() => assertStillAsPlanned({ ledger, cloudOf }, { operation, bundle, step: 'fence' }))
  await planned({ keptCount: 7 })
  await asPlanned()
  await planned({ keptCount: 7, outliveInstance: false })
  await failureOf(asPlanned(), 'PLAN_DRIFTED')
  await planned({ keptCount: 6 })
  await failureOf(asPlanned(), 'PLAN_DRIFTED')
})

describe('what came to be behind the last list', () => {
  test('is found under the fence, by number, and refused unless it is accepted; what went with its session is not', async () => {
    const [declared, other] = [await server.database(), await server.database()]
    const { ref, live, data, fence, act } = await replacing(declared)
    const restored = await startTestServer(17)
    const names = [declared, other].map(({ options }) => options.database)
    const of = { ...ref, target: live, scope: { databases: names }, copy: false } as const
    try {
      const there = await (await restored.database()).connectAsSuperuser()
      await there.execute(`ALTER ROLE master PASSWORD '${canaryPassword(secretKey, ref.operation)}'`)
      for (const name of names) {
        const [found] = await there.query('SELECT FROM pg_database WHERE datname = $1', [name])
        if (found === undefined) await there.execute(`CREATE DATABASE ${name}`)
      }
      const inOther = await connect(other.options)
      await inOther.execute('CREATE TABLE before (n int)')
      const asked = { ...ref, live, copy: { ...live, port: restored.port }, from: null, compareMs: 0 }
      await act(() => data.reportDelta({ ...asked, plan: 'd' }))
      await act(() => data.reportRemainder({ ...asked, acceptLaterWrites: false }))
      const written = (acceptLaterWrites: boolean) =>
        act(() => data.reportWritten({ ...ref, live, fencedAt: '0/1', acceptLaterWrites }))

      await inOther.execute('CREATE TEMP TABLE for_a_while (n int); INSERT INTO before VALUES (1)')
      await act(() => fence.raiseFence({ ...of, epoch: 1 }))
      expect((await written(false)).summary).not.toContain('came to be')
      await act(() => fence.lowerFence({ ...of, epoch: 1 }))

      const again = await connect(other.options)
      await again.execute('CREATE TABLE behind (n int)')
      const [row] = await again.query<{ oid: number }>(`SELECT 'behind'::regclass::oid::bigint AS oid`)
      await act(() => fence.raiseFence({ ...of, epoch: 1 }))
      const { message } = await failureOf(written(false), 'PLAN_DRIFTED')
      expect(message).toContain(`1 relation of ${other.options.database} (oid ${row?.oid})`)
      expect((await written(true)).summary).toContain('behind the last list came to be 1 relation')
      await act(() => fence.lowerFence({ ...of, epoch: 1 }))
      await superuser.execute('CREATE DATABASE behind')
      await act(() => fence.raiseFence({ ...of, epoch: 1 }))
      expect((await failureOf(written(false), 'PLAN_DRIFTED')).message).toContain('database behind')
      await act(() => fence.lowerFence({ ...of, epoch: 1 }))
      await superuser.execute('DROP DATABASE behind')
    } finally {
      await restored.stop()
    }
  })
})

describe('what came to be since the report that was approved', () => {
  test('is refused in whatever database, whether anything could be compared or not, unless it is accepted', async () => {
    const [declared, other, shut] = [await server.database(), await server.database(), await server.database()]
    const { ref, live, data, act } = await replacing(declared)
    const restored = await startTestServer(17)
    try {
      const there = await (await restored.database()).connectAsSuperuser()
      await there.execute(`ALTER ROLE master PASSWORD '${canaryPassword(secretKey, ref.operation)}'`)
      for (const name of [declared, other, shut].map(({ options }) => options.database)) {
        const [found] = await there.query('SELECT FROM pg_database WHERE datname = $1', [name])
        if (found === undefined) await there.execute(`CREATE DATABASE ${name}`)
      }
      const asked = { ...ref, live, copy: { ...live, port: restored.port }, from: null }
      const remainder = (acceptLaterWrites: boolean) =>
        act(() => data.reportRemainder({ ...asked, compareMs: 0, acceptLaterWrites }))
      const inOther = await other.connectAsSuperuser()
      await superuser.execute(`ALTER DATABASE ${shut.options.database} OWNER TO postgres`)
      // the comparison runs out of time
      await act(() => data.reportDelta({ ...asked, compareMs: 0, plan: 'd' }))
      await remainder(false)
      await inOther.execute('CREATE TABLE public."New er" (n int)')
      await superuser.execute('CREATE DATABASE newer')
      await superuser.execute(`REVOKE ALL ON DATABASE ${shut.options.database} FROM PUBLIC, master`)
      const { message } = await failureOf(remainder(false), 'PLAN_DRIFTED')
      expect(message).toContain(`table public."New er" of ${other.options.database}`)
      expect(message).toContain('database newer')
      expect(message).toContain(`tables of ${shut.options.database}, which nobody could list`)
      await remainder(true)
    } finally {
      await restored.stop()
    }
  })
})

describe('what would be lost, in one line', () => {
  const report: DeltaReport = {
    ...{ version: 1, digest: 'd', asOf: '2026-11-23T03:00:00Z', from: null, unasked: null, lsn: null },
    written: { sameServer: null, databases: {} },
    ...{
      tables: [],
      equalTables: ['public.items'],
      notCompared: [],
      structure: [],
      roles: [],
      counted: [],
      listed: {},
      relations: null,
    },
    ...{ missingDatabases: [], caveats: [] },
  }

  test('is a number only where all was read', () => {
    expect(summaryOf(report)).toMatchObject({ exact: true, summary: '0 rows would be lost' })
    const counted = [{ database: 'closed', tables: [], why: 'it lets nobody in' }]
    expect(summaryOf({ ...report, counted })).toMatchObject({
      exact: false,
      summary: 'at least 0 rows would be lost; database closed could not be counted',
    })
    expect(summaryOf({ ...report, missingDatabases: ['a', 'b'] })).toMatchObject({
      exact: false,
      summary: 'at least 0 rows would be lost, and databases a, b, which the copy does not have',
    })
    const uncounted = [{ database: 'other', tables: [{ table: 'public.t', live: null, copy: 1 }], why: null }]
    expect(summaryOf({ ...report, counted: uncounted }).summary).toBe('at least 0 rows would be lost')
  })
})

describe('what was written behind the last look', () => {
  const log = { sinceLsn: '0/10', fencedAt: '0/20' }

  test('is told by counters that went on, and is unknown where one began anew', async () => {
    const made = await server.database()
    const { options } = made
    const { database } = options
    const writes = async (sql: string) => {
      const session = await connect(options)
      // counters are told at the end of a session
      await session.execute(sql).finally(() => session.close())
      return writtenRows(superuser)
    }
    const told = (before: Awaited<ReturnType<typeof writes>>, now: typeof before) =>
      writtenBetween(before, now).find((one) => one.database === database)
    const before = await writes('CREATE TABLE t AS SELECT generate_series(1, 100) AS n')
    const after = await writes('INSERT INTO t SELECT generate_series(1, 10)')
    expect(told(before, after)?.rowsMax).toBeGreaterThanOrEqual(10)
    expect(told(after, before)).toEqual({ database, rowsMax: null })
    await (await made.connectAsSuperuser()).query('SELECT pg_stat_reset()')
    const reset = await writes('INSERT INTO t SELECT generate_series(1, 1000)')
    expect(told(after, reset)).toEqual({ database, rowsMax: null })
    // as after a crash
    await superuser.query(`SELECT pg_stat_reset_shared('archiver')`)
    expect(told(reset, await writtenRows(superuser))).toEqual({ database, rowsMax: null })
  })

  test('is never said to be nothing: the log’s places are told, and what no counter holds', () => {
    const none = shownWritten({ ...log, databases: [] })
    expect(none).toContain('no row was written since the last look; TRUNCATE and DDL are in no counter')
    expect(none).toContain('from 0/10 to 0/20')
    const unknown = shownWritten({
      ...log,
      databases: [
        { database: 'stock', rowsMax: null },
        { database: 'other', rowsMax: 7 },
      ],
    })
    expect(unknown).toContain('at most 7 in other')
    expect(unknown).toContain('nobody can say how many rows were written since the last look in stock')
  })

  // the last of all: no session of the server survives it
  test('is unknown after a crash, of which the databases’ own counters do not tell', async () => {
    const { options } = await server.database()
    const before = await writtenRows(superuser)
    const session = await connect(options)
    const [row] = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    process.kill(Number(row?.pid), 'SIGKILL')
    await superuser.query('SELECT pg_sleep(600)').catch(() => undefined)
    const again = await eventually('the server to be back', () => connect(options).catch(() => undefined))
    const databases = writtenBetween(before, await writtenRows(again).finally(() => again.close()))
    expect(databases).toContainEqual({ database: options.database, rowsMax: null })
  })
})
