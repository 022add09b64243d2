/** What a source that answers somebody says right before its cloud is told to fence it: one that writing has moved away from is left alone, whatever the plan was
 *  told. On a real server, and with a ledger that is real. */
import { type Act, runAct } from '../../activities/act'
import type { ActivityDeps } from '../../activities/deps'
import { refuseMarked } from '../../activities/failover/mark'
import type { MigrationBundle } from '../../contracts/bundle'
import type { DatabaseEntry } from '../../contracts/fleet'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { connect } from '../../postgres/connect/session'
import { openKeyhole } from '../../postgres/fence/keyhole'
import { startTestServer, type TestDatabase, type TestServer } from '../postgres/support/server'

const PASSWORD = 'secret'

let server: TestServer
let ledger: Ledger
let shop: TestDatabase
beforeAll(async () => {
  server = await startTestServer(17)
  const control = await server.database()
  shop = await server.database()
  const { user, host, port, database } = control.options
  ledger = openLedger({ url: `postgres://${user}:${PASSWORD}@${host}:${port}/${database}` })
  await ledger.migrate()
})
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
})

function entryOf(name: string, database: string): DatabaseEntry {
  const role = { user: 'master', secret: 'env:IT', host: null, port: null, tls: 'disable' } as const
  return {
    ...{ name, cloud: 'gcp', account: 'shop-production', region: 'europe-west3', instance: name, database },
    ...{ environment: 'test', labels: {}, migrations: null, connections: { admin: role, migrator: role } },
    checks: { rowCounts: [], invariants: [], smoke: [] },
    policy: {
      ...{ approval: 'none', lockTimeoutMs: 1, lockAttempts: 1, bakeSeconds: 0, snapshotRetentionHours: 1 },
      limits: { writeBlockMsMax: null, rewriteRowsMax: null, statementMsMax: null, walBytesMax: null },
    },
    canary: { networks: ['127.0.0.0/8'], instanceClass: null },
  }
}

async function asked(operation: string, port: number) {
  const { database } = shop.options
  const failover = { standby: entryOf('stand', database) }
  const bundle = await ledger.putBundle({
    ...{ version: 1, database: entryOf('shop', database), migrations: [], failover },
  } as unknown as MigrationBundle)
  const deps = { ledger, resolveSecret: async () => PASSWORD, secretKey: Buffer.alloc(32), sourceAddress: null }
  const act = { attempt: 1, signal: new AbortController().signal, stale: () => false, isCurrent: async () => true }
  const at = { instance: 'shop', instanceId: 'i-shop', host: server.host, port, engineVersion: '17' }
  const input = { operation, step: 'fence', bundle, sides: { source: at, standby: at } }
  return runAct(act as unknown as Act, () => refuseMarked(deps as unknown as ActivityDeps, input))
}

test('one that bears the mark is left alone, and one that bears none, or is out of reach, is not asked for more', async () => {
  expect(await asked('second', server.port)).toEqual({ silent: null })
  const keyhole = await openKeyhole({ connectTo: (database) => connect({ ...shop.options, database }), from: ['postgres'] })
  expect(await asked('second', server.port)).toEqual({ silent: null })
  await keyhole.query(
    `INSERT INTO capstan.moved_away (oid, operation, writer) SELECT oid, 'first', 'elsewhere' FROM pg_catalog.pg_database WHERE datname = $1`,
    [shop.options.database],
  )
  await keyhole.close()
  const message = expect.stringContaining('first has moved writing from shop to elsewhere')
  await expect(asked('second', server.port)).rejects.toMatchObject({ code: 'RESOURCE_NOT_OURS', message })
  // nobody listens there
  expect(await asked('second', 1)).toEqual({ silent: null })
})
