/** Rows that come back, as the steps of an operation: what is put in order after one that did not end well. */
import { Client, Connection } from '@temporalio/client'
import { type Act, runAct } from '../../activities/act'
import type { ActivityDeps } from '../../activities/deps'
import { createRowsActivities } from '../../activities/rows/rows'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { InstanceAddress } from '../../contracts/migrate'
import { type Ledger, openLedger } from '../../ledger/ledger'
import type { Session } from '../../postgres/connect/session'
import { failureOf } from '../postgres/support/apply'
import { startTestServer, type TestServer } from '../postgres/support/server'

let ofCopies: TestServer
let ofLive: TestServer
let ledger: Ledger
beforeAll(async () => {
  const started = [startTestServer(15), startTestServer(17)] as const
  ;[ofCopies, ofLive] = await Promise.all(started)
  // on both, so that the databases after it have the same names
  const [, { options: at }] = await Promise.all([ofCopies.database(), ofLive.database()])
  ledger = openLedger({ url: `postgres://${at.user}:${at.password}@${at.host}:${at.port}/${at.database}` })
  await ledger.migrate()
})
afterAll(async () => {
  await ledger?.close()
  await Promise.all([ofCopies?.stop(), ofLive?.stop()])
})

const ORDERS = `CREATE TABLE public.orders (id int PRIMARY KEY, note text); INSERT INTO public.orders SELECT g, 'n' FROM generate_series(1, 10) g`
const addressOf = ({ host, port }: TestServer): InstanceAddress => ({
  ...{ instance: 'stock', instanceId: 'db-1', host, port, engineVersion: '17' },
})

interface World {
  readonly live: Session
  readonly superuser: Session
  readonly name: string
}

/** Ten rows in the copy, eight of them in the live database. */
async function world(): Promise<World> {
  const [copy, live] = [await ofCopies.database(), await ofLive.database()]
  const sessions = [await copy.connect(), await live.connect()] as const
  for (const session of sessions) await session.execute(ORDERS)
  await sessions[1].execute('DELETE FROM public.orders WHERE id <= 2')
  return { live: sessions[1], superuser: await live.connectAsSuperuser(), name: live.options.database }
}

let operations = 0
let at = Date.now()

async function operationOn({ name: database }: World) {
  const operation = `rows-${++operations}`
  const connection = { secret: 'env:IT', host: null, port: null, tls: 'disable' } as const
  const entry = {
    ...{ name: 'stock', cloud: 'gcp', account: 'shop-production', region: 'europe-west3', instance: 'stock', database },
    ...{ environment: 'test', labels: {}, migrations: null },
    connections: { admin: { ...connection, user: 'nobody' }, migrator: { ...connection, user: 'master' } },
    checks: { rowCounts: [], invariants: [], smoke: [] },
    policy: {
      ...{ approval: 'none', lockTimeoutMs: 1, lockAttempts: 1, bakeSeconds: 0, snapshotRetentionHours: 1 },
      limits: { writeBlockMsMax: null, rewriteRowsMax: null, statementMsMax: null, walBytesMax: null },
    },
    canary: { networks: ['127.0.0.0/8'], instanceClass: null },
  } as const satisfies DatabaseEntry
  const bundle = await ledger.putBundle({ version: 1, database: entry, migrations: [] })
  const about = { kind: 'recover-rows', databases: ['stock'], cloud: 'gcp', environment: 'test', mode: 'apply' } as const
  await ledger.openOperation({ id: operation, ...about, requestedBy: 'ada', startedAt: new Date().toISOString(), bundle })
  const deps: ActivityDeps = {
    ledger,
    cloudOf: () => {
      throw new Error('rows ask no cloud')
    },
    resolveSecret: async () => 'secret',
    secretKey: Buffer.alloc(32),
    sourceAddress: null,
    endpoints: { commands: null, labRouter: null },
  }
  const scope = `lock/gcp/shop-production/europe-west3/${database}`
  const lock = { scope, epoch: await ledger.nextEpoch({ scope, operation }) }
  const ref = { operation, step: 'stage', bundle }
  const [source, copy] = [addressOf(ofLive), addressOf(ofCopies)]
  const wanted = { tables: ['public.orders'], schemas: [], where: null, fireTriggers: false, published: false }
  const { surveyRows, stageRows, settleRows } = createRowsActivities(deps)
  const act = <T>(work: () => Promise<T>, how: Partial<Act> = {}): Promise<T> =>
    runAct(
      {
        ...{ attempt: 1, scheduledAtMs: ++at, signal: new AbortController().signal, stale: () => false },
        ...{ client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true },
        ...how,
      },
      work,
    )
  type Plan = { readonly digest: string; readonly epoch: number }
  const planned = ({ digest, epoch }: Plan) => ({ ...ref, source, epoch, planDigest: digest, published: false })
  return {
    survey: () => act(() => surveyRows({ ...ref, source, copy, wanted, lock })),
    stage: (plan: Plan, how: Partial<Act> = {}) => act(() => stageRows({ ...planned(plan), copy }), how),
    settle: (plan: Plan, adopted = false) => act(() => settleRows({ ...planned(plan), adopted })),
  }
}

const staged = async ({ live }: World): Promise<number> => {
  const [found] = await live.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_catalog.pg_tables WHERE schemaname = 'capstan' AND tablename LIKE 'rows\\_%'`,
  )
  return found?.n ?? 0
}

test('what an earlier run staged outlives one that took it up and was given up, and its own end takes it back', async () => {
  const here = await world()
  const earlier = await operationOn(here)
  const plan = await earlier.survey()
  await earlier.stage(plan)

  const later = await operationOn(here)
  const adopted = await later.survey()
  expect(adopted).toMatchObject({ digest: plan.digest, underWay: true })
  await later.stage(adopted)
  const left = await later.settle(adopted, adopted.underWay)
  expect(left).toMatchObject({ state: 'staged', summary: expect.stringContaining('goes on with what is staged') })
  expect(await staged(here)).toBe(1)

  const own = await operationOn(here)
  const again = await own.survey()
  expect(again).toMatchObject({ digest: plan.digest, underWay: true })
  expect(await own.settle(again, false)).toMatchObject({ state: 'nothing' })
  expect(await staged(here)).toBe(0)
})

test('it can be settled although the ledger has a later survey, which nobody was told of', async () => {
  const here = await world()
  const operation = await operationOn(here)
  const plan = await operation.survey()
  await here.live.execute('ALTER TABLE public.orders ADD later int DEFAULT 0')
  await failureOf(operation.stage(plan), 'PLAN_DRIFTED')
  const later = await operation.survey()
  expect(later.digest).not.toBe(plan.digest)
  expect(await operation.settle(plan)).toMatchObject({ state: 'nothing' })
  expect(await staged(here)).toBe(0)
})

test('what is deleted after the survey is no part of what is staged, and asks for no other survey', async () => {
  const here = await world()
  const operation = await operationOn(here)
  const plan = await operation.survey()
  await here.live.execute('DELETE FROM public.orders')
  await operation.stage(plan)
  const [table] = await here.live.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE tablename LIKE 'rows\\_%'`,
  )
  const [found] = await here.live.query<{ n: number }>(`SELECT count(*)::int AS n FROM capstan."${table?.name}"`)
  expect(found?.n).toBe(plan.rows)
  expect(await operation.settle(plan)).toMatchObject({ state: 'nothing' })
})

test('an attempt that comes late is shut out, also where nothing was ever staged before', async () => {
  const here = await world()
  const operation = await operationOn(here)
  const plan = await operation.survey()
  const scheduledAtMs = ++at
  expect(await operation.settle(plan)).toMatchObject({ state: 'nothing' })
  await failureOf(operation.stage(plan, { scheduledAtMs }), 'FENCED_OFF')
  expect(await staged(here)).toBe(0)
})

test('where the role may not make our tables, nothing was staged either', async () => {
  const here = await world()
  const operation = await operationOn(here)
  const plan = await operation.survey()
  await here.superuser.execute(`ALTER DATABASE ${here.name} OWNER TO postgres`)
  await failureOf(operation.stage(plan), 'CREDENTIALS_REJECTED')
  expect(await operation.settle(plan)).toMatchObject({ state: 'nothing' })
})
