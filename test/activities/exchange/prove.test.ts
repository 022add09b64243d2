/** An old writer that lets us in and then stands still, as a machine does that is cut off, is silent; and silence has its end. */
import { Client, Connection } from '@temporalio/client'
import { runAct } from '../../../activities/act'
import type { ActivityDeps } from '../../../activities/deps'
import { createExchangeDataActivities } from '../../../activities/exchange/data'
import { markAndFollow } from '../../../activities/exchange/word'
import type { Place } from '../../../activities/replication/sides'
import { startTestServer, type TestServer } from '../../postgres/support/server'
import { until } from '../../support/eventually'
import { type StandingStill, startStandingStill } from '../../support/standing-still'

let server: TestServer
let still: StandingStill
beforeAll(async () => {
  server = await startTestServer(17)
  still = await startStandingStill(server)
})
afterAll(async () => {
  still?.close()
  await server?.stop()
})

const acting = <T>(attempt: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> =>
  runAct(
    {
      ...{ attempt, scheduledAtMs: 1, signal, stale: () => false },
      ...{ client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true },
    },
    work,
  )

test('one that stands still is silent within seconds, and the new writer is believed once the cloud says so', async () => {
  const { options } = await server.database()
  const role = { secret: 'env:IT', tls: 'disable', user: options.user } as const
  const entry = { name: 'shop', database: options.database, connections: { admin: role, migrator: role } }
  const deps = {
    ledger: {
      getBundle: async () => ({ database: entry, exchange: { standby: entry, followMsMax: 1 } }),
      putDocument: async () => undefined,
    },
    resolveSecret: async () => options.password,
    secretKey: Buffer.alloc(32),
    sourceAddress: null,
  } as unknown as ActivityDeps
  const { port } = still
  const side = (instance: string, at: number) => ({
    instance,
    instanceId: instance,
    host: '127.0.0.1',
    port: at,
    engineVersion: '17',
  })
  const ref = { operation: 'exchanging', step: 'prove', bundle: 'b' } as const
  const input = {
    ...ref,
    ...{ sides: { source: side('shop', port), standby: side('shop-west', server.port) }, epoch: 0 },
    cloudSays: 'exchanged',
  } as const
  const { proveWriter } = createExchangeDataActivities(deps)
  const attempt = (number: number) => acting(number, new AbortController().signal, () => proveWriter(input))
  await expect(attempt(1)).rejects.toMatchObject({
    code: 'NOT_READY_YET',
    message: expect.stringContaining('did not say within'),
  })
  expect(await attempt(6)).toMatchObject({ writer: 'standby', other: 'silent' })
  // nothing of ours is left hanging there
  const ours = still.sockets.filter((_, index) => index % 2 === 0)
  expect(ours).toHaveLength(2)
  await until('both connections to be cut', async () => ours.every(({ closed }) => closed))
}, 30_000)

test('a follower that stands still is cut once it is late, and hears an abort', async () => {
  const { options } = await server.database()
  const role = { secret: 'env:IT', tls: 'disable', user: options.user } as const
  const entry = { name: 'shop', database: options.database, connections: { admin: role, migrator: role } }
  const deps = {
    ...{ resolveSecret: async () => options.password, secretKey: Buffer.alloc(32), sourceAddress: null },
  } as unknown as ActivityDeps
  const { port } = still
  const place = (instance: string, at: number) =>
    ({
      ...{ ref: { operation: 'exchanging', step: 'mark', bundle: 'b' }, entry },
      address: { instance, instanceId: instance, host: '127.0.0.1', port: at, engineVersion: '17' },
    }) as unknown as Place
  const marking = { writer: place('shop', server.port), follower: place('shop-west', port), epoch: 1, followMsMax: 300 }
  const began = Date.now()
  await expect(acting(1, new AbortController().signal, () => markAndFollow(deps, marking))).rejects.toMatchObject({
    code: 'BARRIER_NOT_PASSED',
  })
  expect(Date.now() - began).toBeLessThan(20_000)
  const abort = new AbortController()
  const asked = still.sockets.length
  const marked = acting(2, abort.signal, () => markAndFollow(deps, { ...marking, followMsMax: 3_600_000 }))
  const ended = expect(marked).rejects.toThrow('taken back')
  await until('the follower to be asked', async () => still.sockets.length > asked)
  abort.abort(new Error('taken back'))
  await ended
}, 60_000)
