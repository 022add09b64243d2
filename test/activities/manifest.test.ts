/** A manifest from before a snapshot counts only if it was there before the snapshot was begun. */
import { Client, Connection } from '@temporalio/client'
import { runAct } from '../../activities/act'
import { manifestedBefore } from '../../activities/backup/since'
import type { ActivityDeps } from '../../activities/deps'
import { createManifestActivities, endManifestBefore, readManifest } from '../../activities/proof/manifest'
import type { DatabaseEntry } from '../../contracts/fleet'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { startTestServer, type TestServer } from '../postgres/support/server'

let server: TestServer
let ledger: Ledger
beforeAll(async () => {
  server = await startTestServer(17)
  const at = (await server.database()).options
  ledger = openLedger({ url: `postgres://${at.user}:${at.password}@${at.host}:${at.port}/${at.database}` })
  await ledger.migrate()
})
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
})

async function takingOf(operation: string) {
  const { user, password, host, port, database } = (await server.database()).options
  const role = { user, secret: 'env:IT', host, port, tls: 'disable' as const }
  const entry = { name: 'stock', database, connections: { admin: role, migrator: role } } as DatabaseEntry
  const bundle = await ledger.putBundle({ version: 1, database: entry, migrations: [] })
  const about = { kind: 'snapshot', databases: ['stock'], cloud: 'aws', environment: 'test', mode: 'apply' } as const
  await ledger.openOperation({ id: operation, ...about, requestedBy: 'ada', startedAt: new Date().toISOString(), bundle })
  const endpoints = { commands: null, labRouter: null }
  const deps = { ledger, resolveSecret: async () => password, secretKey: Buffer.alloc(32), sourceAddress: null, endpoints }
  const { takeManifest } = createManifestActivities(deps as Omit<ActivityDeps, 'cloudOf'> as ActivityDeps)
  const act = {
    ...{ attempt: 1, scheduledAtMs: Date.now(), signal: new AbortController().signal, stale: () => false },
    ...{ client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true },
  }
  const target = { instance: 'stock', instanceId: 'db-1', host, port, engineVersion: '17' }
  const input = { operation, step: 'manifest-before', bundle, target, snapshotStep: 'take', which: 'before' } as const
  return Object.assign(() => runAct(act, () => takeManifest(input)), { entry, about, bundle })
}

test('one that is read to its end after the snapshot was begun is none', async () => {
  const take = await takingOf('late')
  await endManifestBefore(ledger, 'late')
  expect(await take()).toEqual({ digest: null, summary: 'no manifest: the snapshot was begun before' })
  expect(await readManifest(ledger, 'late', 'before')).toBeNull()
})

test('one that was there stays', async () => {
  const take = await takingOf('in-time')
  const taken = await take()
  await endManifestBefore(ledger, 'in-time')
  expect(taken.digest).not.toBeNull()
  expect(await readManifest(ledger, 'in-time', 'before')).toMatchObject({ version: 1, tables: [] })
  expect(await take()).toEqual(taken)
})

test('one from before its instance was overwritten is held against no moment of after it', async () => {
  const taking = await takingOf('older')
  const { entry, about, bundle } = taking
  await taking()
  await ledger.putDocument({ operation: 'older', name: 'snapshot-plan', document: { version: 1, instanceId: 'db-1' } })
  const before = () =>
    manifestedBefore(ledger, { database: entry, instanceId: 'db-1', at: new Date(Date.now() + 60_000).toISOString() })
  expect(await before()).toBe('older')
  const overwriting = async (operation: string, instanceId: string) => {
    // by another entry of the fleet file: several databases may be on an instance
    const of = { ...about, kind: 'overwrite' as const, databases: ['orders'], requestedBy: 'ada', bundle }
    await ledger.openOperation({ id: operation, ...of, startedAt: new Date().toISOString() })
    const document = { version: 1, instance: { name: 'stock', instanceId }, snapshot: 'old', since: new Date().toISOString() }
    await ledger.putDocumentOnce({ operation, name: 'overwriting', document })
  }
  await overwriting('of-another', 'db-2')
  expect(await before()).toBe('older')
  await overwriting('over', 'db-1')
  expect(await before()).toBeNull()
})
