/** An old writer that lets us in and then stands still, as a machine does that is cut off, is silent; and silence has its end. */
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { Client, Connection } from '@temporalio/client'
import { runAct } from '../../../activities/act'
import type { ActivityDeps } from '../../../activities/deps'
import { createExchangeDataActivities } from '../../../activities/exchange/data'
import { startTestServer, type TestServer } from '../../postgres/support/server'
import { until } from '../../support/eventually'

let server: TestServer
let still: Server
const sockets: Socket[] = []
beforeAll(async () => {
  server = await startTestServer(17)
  still = createServer((from) => standStill(from)).listen(0, '127.0.0.1')
  await new Promise((resolve) => still.once('listening', resolve))
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  still?.close()
  await server?.stop()
})

/** ReadyForQuery while idle: the client is let in. */
const LET_IN = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

/** Hands on until the client is let in, and nothing from then on; it breaks nothing off. */
function standStill(from: Socket): void {
  const to = dial(server.port, server.host)
  sockets.push(from, to)
  for (const socket of [from, to]) socket.on('error', () => undefined)
  let stands = false
  from.on('data', (data) => stands || to.write(data))
  to.on('data', (data) => {
    if (stands) return
    from.write(data)
    stands = data.subarray(-LET_IN.length).equals(LET_IN)
  })
}

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
  const { port } = still.address() as { port: number }
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
  const attempt = (number: number) =>
    runAct(
      {
        ...{ attempt: number, scheduledAtMs: 1, signal: new AbortController().signal, stale: () => false },
        ...{ client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true },
      },
      () => proveWriter(input),
    )
  await expect(attempt(1)).rejects.toMatchObject({
    code: 'NOT_READY_YET',
    message: expect.stringContaining('did not say within'),
  })
  expect(await attempt(6)).toMatchObject({ writer: 'standby', other: 'silent' })
  // nothing of ours is left hanging there
  const ours = sockets.filter((_, index) => index % 2 === 0)
  expect(ours).toHaveLength(2)
  await until('both connections to be cut', async () => ours.every(({ closed }) => closed))
}, 30_000)
