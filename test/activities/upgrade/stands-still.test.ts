/** A new writer that lets us in and then stands still, as a machine does whose storage hangs: the watch tells it, and does not stand still with it. */
import { Client, Connection } from '@temporalio/client'
import { runAct } from '../../../activities/act'
import type { ActivityDeps } from '../../../activities/deps'
import { createUpgradeDataActivities } from '../../../activities/upgrade/data'
import { ensureControlSchema } from '../../../postgres/migrate/control-schema'
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

test('a new writer that stands still is told within seconds, and one that does not is watched', async () => {
  const { options, connect } = await server.database()
  await ensureControlSchema(await connect())
  const role = { secret: 'env:IT', tls: 'disable', user: options.user } as const
  const entry = { name: 'shop', database: options.database, connections: { admin: role, migrator: role } }
  const deps = {
    ledger: { getBundle: async () => ({ database: entry, upgrade: {} }) },
    resolveSecret: async () => options.password,
    secretKey: Buffer.alloc(32),
    sourceAddress: null,
  } as unknown as ActivityDeps
  const { port } = still
  const at = (host: string, number: number) => ({
    ...{ instance: 'shop', instanceId: 'shop', host, port: number, engineVersion: '17' },
  })
  const { watchWriter } = createUpgradeDataActivities(deps)
  const watched = (named: ReturnType<typeof at>) => {
    const places = { outcome: 'switched', summary: '', named, other: null } as const
    const input = { operation: 'upgrading', step: 'observe', bundle: 'b', blue: named, green: named, epoch: 0, places }
    const act = { attempt: 1, scheduledAtMs: 1, signal: new AbortController().signal, stale: () => false }
    return runAct({ ...act, client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true }, () =>
      watchWriter(input),
    )
  }
  await expect(watched(at('127.0.0.1', port))).rejects.toMatchObject({
    code: 'NOT_READY_YET',
    message: expect.stringContaining('did not say within'),
  })
  // nothing of ours is left hanging there
  await until('the connection to be cut', async () => still.sockets[0]?.closed === true)
  expect((await watched(at(server.host, server.port))).summary).toContain('shop takes writes')
}, 30_000)
