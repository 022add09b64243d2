/** The fence as the steps of an operation: what is in the ledger before anything changes, and what an operation that was aborted puts back. */
import { Client, Connection } from '@temporalio/client'
import { type Act, runAct } from '../../activities/act'
import type { ActivityDeps } from '../../activities/deps'
import { createFenceActivities } from '../../activities/fence/fence'
import { createOverwriteDataActivities } from '../../activities/overwrite/settle'
import { proveInert } from '../../activities/schema/inert'
import type { DatabaseEntry } from '../../contracts/fleet'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { canaryPassword } from '../../postgres/connect/canary-password'
import { connect, type Session } from '../../postgres/connect/session'
import { raiseFence as raiseFenceRow } from '../../postgres/migrate/fence'
import { failureOf } from '../postgres/support/apply'
import { startTestServer, type TestServer } from '../postgres/support/server'

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
  await superuser.execute(`CREATE ROLE mover LOGIN PASSWORD 'secret'`)
})
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
})

let operations = 0

async function operationOn(database: string, name = 'stock') {
  const operation = `fencing-${++operations}`
  const { host, port, password } = (await server.database()).options
  // a name that applications use may lead elsewhere by now, and is not asked
  const role = { secret: 'env:IT', host: 'elsewhere.invalid', port: 1, tls: 'disable' } as const
  const entry = {
    ...{ name, cloud: 'gcp', account: 'shop-production', region: 'europe-west3', instance: 'stock', database },
    ...{ environment: 'test', labels: {}, migrations: null },
    connections: { admin: { ...role, user: 'master' }, migrator: { ...role, user: 'mover' } },
    checks: { rowCounts: [], invariants: [], smoke: [] },
    policy: {
      ...{ approval: 'none', lockTimeoutMs: 1, lockAttempts: 1, bakeSeconds: 0, snapshotRetentionHours: 1 },
      limits: { writeBlockMsMax: null, rewriteRowsMax: null, statementMsMax: null, walBytesMax: null },
    },
    canary: { networks: ['127.0.0.0/8'], instanceClass: null },
  } as const satisfies DatabaseEntry
  const bundle = await ledger.putBundle({ version: 1, database: entry, migrations: [] })
  const about = { kind: 'restore', databases: [name], cloud: 'gcp', environment: 'test', mode: 'apply' } as const
  await ledger.openOperation({ id: operation, ...about, requestedBy: 'ada', startedAt: new Date().toISOString(), bundle })
  const deps: ActivityDeps = {
    ledger,
    cloudOf: () => {
      throw new Error('a fence asks no cloud')
    },
    resolveSecret: async () => password,
    secretKey: Buffer.alloc(32),
    sourceAddress: null,
    endpoints: { commands: null, labRouter: null },
  }
  const target = { instance: 'stock', instanceId: 'db-1', host, port, engineVersion: '17' }
  const input = { operation, step: 'fence', bundle, target, scope: { databases: [database] }, copy: false } as const
  const { planFence, raiseFence, proveFenced, lowerFence } = createFenceActivities(deps)
  let at = Date.now()
  const act = <T>(work: () => Promise<T>, how: Partial<Act> = {}): Promise<T> =>
    runAct(
      {
        ...{ attempt: 1, scheduledAtMs: ++at, signal: new AbortController().signal, stale: () => false },
        ...{ client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true },
        ...how,
      },
      work,
    )
  const lock = { scope: 'lock/gcp/shop-production/europe-west3/stock', epoch: 0 }
  lock.epoch = await ledger.nextEpoch({ scope: lock.scope, operation })
  return { operation, input, act, lock, planFence, raiseFence, proveFenced, lowerFence, deps }
}

const isOpen = async (name: string) => {
  const [row] = await superuser.query<{ open: boolean }>('SELECT datallowconn AS open FROM pg_database WHERE datname = $1', [
    name,
  ])
  return row?.open
}

test('a fence is planned, raised, proven and lowered, and the ledger knows what it closes before it does', async () => {
  const { options } = await server.database()
  const { database: name } = options
  const { operation, input, act, lock, planFence, raiseFence, proveFenced, lowerFence } = await operationOn(name)
  const planned = await act(() => planFence({ ...input, lock }))
  expect(planned).toMatchObject({ databases: [name], obstacles: [], epoch: lock.epoch })
  expect(await isOpen(name)).toBe(true)
  const { epoch } = planned

  const raised = await act(() => raiseFence({ ...input, epoch }))
  expect(raised.closed).toEqual([name])
  const noted = await ledger.getDocument({ operation, name: 'fence-stock' })
  expect(noted).toMatchObject({ version: 1, instanceId: 'db-1', closing: [{ name }] })
  const proof = await act(() => proveFenced({ ...input, epoch }))
  expect(proof.lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/)
  expect(proof.summary).toBe(`nobody inside, mover turned away, log up to ${proof.lsn}`)
  // repeated, it is the same
  expect((await act(() => raiseFence({ ...input, epoch }))).closed).toEqual([name])
  expect(await ledger.getDocument({ operation, name: 'fence-stock' })).toEqual(noted)
  expect(await act(() => lowerFence({ ...input, epoch }))).toMatchObject({ reopened: [name] })
  expect(await act(() => lowerFence({ ...input, epoch }))).toEqual({ reopened: [], summary: 'nothing was closed' })
  expect(await isOpen(name)).toBe(true)
})

test('one that was cut short, or overtaken, is put back, and a later operation opens nothing that an earlier one left closed', async () => {
  const { options } = await server.database()
  const { database: name } = options
  const first = await operationOn(name)
  const { input, act, lock } = first
  // cancelled while it waits for a session that it may not end
  await superuser.execute('REVOKE pg_signal_backend FROM master')
  const stays = await connect({ ...options, user: 'mover' })
  const cancelled = new AbortController()
  const raising = act(() => first.raiseFence({ ...input, epoch: lock.epoch }), { signal: cancelled.signal })
  const raised = expect(raising).rejects.toThrow('cancelled')
  while (await isOpen(name)) await new Promise((resolve) => setTimeout(resolve, 20))
  cancelled.abort(new Error('cancelled'))
  await raised
  await failureOf(
    act(() => first.proveFenced({ ...input, epoch: lock.epoch })),
    'FENCE_NOT_PROVEN',
  )
  expect((await act(() => first.lowerFence({ ...input, epoch: lock.epoch }))).reopened).toEqual([name])
  await failureOf(
    act(() => first.raiseFence({ ...input, epoch: lock.epoch }), { scheduledAtMs: 1 }),
    'FENCED_OFF',
  )
  expect(await isOpen(name)).toBe(true)
  await superuser.execute('GRANT pg_signal_backend TO master')
  await stays.close()

  await act(() => first.raiseFence({ ...input, epoch: lock.epoch }))
  const later = await operationOn(name)
  const opened = await later.act(() => later.lowerFence({ ...later.input, epoch: later.lock.epoch }))
  expect(opened.reopened).toEqual([])
  expect(await isOpen(name)).toBe(false)
  await failureOf(
    act(() => first.raiseFence({ ...input, epoch: lock.epoch })),
    'FENCED_OFF',
  )
})

test('an instance that stands behind a higher epoch than its lock knows is given a higher one', async () => {
  const { database: name } = (await server.database()).options
  const { input, act, lock, planFence, deps } = await operationOn(name)
  expect((await act(() => planFence({ ...input, lock: null }))).epoch).toBe(0)
  const keyhole = await connect({ ...(await server.database()).options, database: 'capstan_fence' })
  await keyhole.execute('UPDATE capstan.fence SET epoch = 40')
  await keyhole.close()
  const { epoch } = await act(() => planFence({ ...input, lock }))
  expect(epoch).toBe(41)
  const { raiseFence, lowerFence } = createFenceActivities(deps)
  await act(() => raiseFence({ ...input, epoch }))
  await act(() => lowerFence({ ...input, epoch }))
})

test('once the copy took over nothing opens the old instance again', async () => {
  const { database: name } = (await server.database()).options
  const { operation, input, act, lock, planFence, raiseFence, lowerFence } = await operationOn(name)
  const { epoch } = await act(() => planFence({ ...input, lock }))
  await act(() => raiseFence({ ...input, epoch }))
  await ledger.putDocumentOnce({ operation, name: 'took-over', document: { version: 1, instance: 'cap-1-copy' } })
  await failureOf(
    act(() => lowerFence({ ...input, epoch })),
    'RESOURCE_NOT_OURS',
  )
  expect(await isOpen(name)).toBe(false)
})

test('in what was restored all that any operation had closed is opened, and attempts of migrations from before are kept off', async () => {
  const database = await server.database()
  const { database: name } = database.options
  await superuser.execute(`GRANT CREATE ON DATABASE ${name} TO mover`)
  const migrator = await connect({ ...database.options, user: 'mover' })
  await raiseFenceRow(migrator, { epoch: 1, attempt: 1, operation: 'migrating' })
  await migrator.close()
  const earlier = await operationOn(name)
  const { epoch: before } = await earlier.act(() => earlier.planFence({ ...earlier.input, lock: earlier.lock }))
  await earlier.act(() => earlier.raiseFence({ ...earlier.input, epoch: before }))
  expect(await isOpen(name)).toBe(false)

  const { input, act, lock, deps } = await operationOn(name)
  const { operation, bundle, target } = input
  const epoch = await ledger.nextEpoch({ scope: lock.scope, operation, above: before })
  const { settleContent } = createOverwriteDataActivities(deps)
  const settling = { operation, step: 'settle', bundle, target, epoch }
  expect((await act(() => settleContent(settling))).opened).toContain(name)
  expect(await isOpen(name)).toBe(true)
  expect(await act(() => settleContent(settling))).toEqual({ opened: [] })
  const late = await connect({ ...database.options, user: 'mover' })
  const asked = { epoch: 2, attempt: Number.MAX_SAFE_INTEGER, operation: 'migrating-later' }
  await failureOf(raiseFenceRow(late, asked), 'FENCED_OFF')
  await late.close()

  await superuser.execute(`ALTER ROLE mover PASSWORD 'another'`)
  const refused = await failureOf(
    act(() => settleContent(settling)),
    'CREDENTIALS_REJECTED',
  )
  expect(refused.message).toContain('of the snapshot')
  await superuser.execute(`ALTER ROLE mover PASSWORD 'secret'`)
})

test('in a copy the others are opened, too, where the one that the fleet file names is open already', async () => {
  const { database: first } = (await server.database()).options
  const { database: second, password } = (await server.database()).options
  const { operation, input, act, lock, planFence, raiseFence, deps } = await operationOn(first)
  const both = { ...input, scope: { databases: [first, second] } }
  const { epoch } = await act(() => planFence({ ...both, lock }))
  await act(() => raiseFence({ ...both, epoch }))
  // as an attempt leaves it that was killed in between
  await superuser.execute(`ALTER DATABASE ${first} ALLOW_CONNECTIONS true`)
  expect([await isOpen(first), await isOpen(second)]).toEqual([true, false])
  await superuser.execute(`ALTER ROLE master PASSWORD '${canaryPassword(deps.secretKey, operation)}'`)
  const canary = input.target
  await act(() => proveInert(deps, { operation, step: 'copy', bundle: input.bundle, canary })).finally(() =>
    superuser.execute(`ALTER ROLE master PASSWORD '${password}'`),
  )
  expect([await isOpen(first), await isOpen(second)]).toEqual([true, true])
})

test('where no migration has been yet those of an attempt from in between are kept off as well, and no other database gets our schema', async () => {
  const settled = async (migrated: boolean) => {
    const database = await server.database()
    await superuser.execute(`GRANT CREATE ON DATABASE ${database.options.database} TO mover`)
    const { input, act, lock, deps } = await operationOn(database.options.database, `stock-${migrated}`)
    if (migrated) {
      const about = { kind: 'migrate', databases: ['stock-true'], cloud: 'gcp', environment: 'test', mode: 'apply' } as const
      const startedAt = new Date().toISOString()
      await ledger.openOperation({ id: 'migrating-first', ...about, requestedBy: 'ada', startedAt, bundle: input.bundle })
    }
    const { settleContent } = createOverwriteDataActivities(deps)
    const epoch = lock.epoch + 5
    await act(() =>
      settleContent({ operation: input.operation, step: 'settle', bundle: input.bundle, target: input.target, epoch }),
    )
    return connect({ ...database.options, user: 'mover' })
  }
  const late = await settled(true)
  await failureOf(raiseFenceRow(late, { epoch: 2, attempt: Number.MAX_SAFE_INTEGER, operation: 'migrating-first' }), 'FENCED_OFF')
  await late.close()
  const never = await settled(false)
  expect(await never.query(`SELECT 1 FROM pg_namespace WHERE nspname = 'capstan'`)).toEqual([])
  await never.close()
})

test('of what was restored a database from which writing has moved away stays closed, unless it is the one that was asked for, and the plan names it', async () => {
  const [own, other] = [(await server.database()).options.database, (await server.database()).options.database]
  const { input, act, lock, planFence, raiseFence, deps } = await operationOn(own)
  const both = { ...input, scope: { databases: [own, other] } }
  const { epoch } = await act(() => planFence({ ...both, lock }))
  await act(() => raiseFence({ ...both, epoch }))
  const keyhole = await connect({ ...(await server.database()).options, database: 'capstan_fence' })
  await keyhole.query(
    `INSERT INTO capstan.moved_away (oid, operation, writer) SELECT oid, $2, 'stand' FROM pg_database WHERE datname = ANY ($1)`,
    [[own, other], input.operation],
  )
  const planned = await act(() => planFence({ ...input, scope: 'instance', lock: null }))
  expect(planned.summary).toContain(`writing has moved from ${other} to stand (${input.operation})`)
  const { settleContent } = createOverwriteDataActivities(deps)
  const { operation, bundle, target } = input
  const above = await ledger.nextEpoch({ scope: lock.scope, operation, above: epoch })
  const { opened } = await act(() => settleContent({ operation, step: 'settle', bundle, target, epoch: above }))
  expect([opened.includes(own), await isOpen(own), await isOpen(other)]).toEqual([true, true, false])
  await keyhole.execute('DELETE FROM capstan.moved_away')
  await keyhole.close()
})
