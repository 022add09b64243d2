/** Of which old writer a salvage may speak at all: one that is fenced, by a failover that made this very database the writer. With a ledger that is real. */
import { type Act, runAct } from '../../activities/act'
import type { ActivityDeps } from '../../activities/deps'
import { createSalvageActivities } from '../../activities/salvage/salvage'
import type { MigrationBundle } from '../../contracts/bundle'
import { FAILOVER_DOCUMENTS, type FailoverKept } from '../../contracts/failover'
import type { DatabaseEntry } from '../../contracts/fleet'
import { SALVAGE_DOCUMENTS } from '../../contracts/salvage'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { startTestServer, type TestServer } from '../ledger/postgres-server'

let server: TestServer
let ledger: Ledger
beforeAll(async () => {
  server = await startTestServer()
  ledger = openLedger({ url: await server.freshDatabase() })
  await ledger.migrate()
})
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
})

const entry = (name: string): DatabaseEntry => {
  const role = { user: 'shop', secret: 'env:IT', host: null, port: null, tls: 'disable' } as const
  return {
    ...{ name, cloud: 'gcp', account: 'shop-production', region: 'europe-west3', instance: name, database: 'shop' },
    ...{ environment: 'test', labels: {}, migrations: null, connections: { admin: role, migrator: role } },
    checks: { rowCounts: [], invariants: [], smoke: [] },
    policy: {
      ...{ approval: 'none', lockTimeoutMs: 1, lockAttempts: 1, bakeSeconds: 0, snapshotRetentionHours: 1 },
      limits: { writeBlockMsMax: null, rewriteRowsMax: null, statementMsMax: null, walBytesMax: null },
    },
    canary: { networks: ['127.0.0.0/8'], instanceClass: null },
  }
}
const bundleOf = (database: string, more: object) =>
  ledger.putBundle({ version: 1, database: entry(database), migrations: [], ...more } as MigrationBundle)

async function begun(operation: string, kind: 'failover' | 'salvage', bundle: string): Promise<void> {
  const about = { kind, databases: ['shop'], cloud: 'gcp', environment: 'test', mode: 'apply' } as const
  await ledger.openOperation({ id: operation, ...about, requestedBy: 'ada', startedAt: new Date().toISOString(), bundle })
}

let count = 0
let asked = 0
/** A source of its own, and its standby. */
function pair() {
  count += 1
  const [old, writer] = [`shop-${count}`, `stand-${count}`]
  const place = { cloud: 'gcp', account: 'shop-production', region: 'europe-west3', instance: old } as const
  const change = { place, instanceId: `id-${count}` } as const
  return {
    ...{ old, writer, change },
    async fenced(operation: string) {
      const bundle = await bundleOf(old, { failover: { standby: entry(writer) } })
      await begun(operation, 'failover', bundle)
      const fence = { operation, bundle, database: old, requestedBy: 'ada', reason: 'dead', leftIn: [] }
      await ledger.openFence({ ...place, ...fence, instanceId: change.instanceId, since: '2026-11-30T03:00:00.000Z' })
      return bundle
    },
    opened: (operation: string) =>
      ledger.putDocumentOnce({ operation, name: FAILOVER_DOCUMENTS.opened, document: { version: 1 } }),
    async plan(into = writer) {
      asked += 1
      const operation = `salvage-${asked}`
      const salvage = { old: entry(old), merge: [], fireTriggers: false, published: false }
      const bundle = await bundleOf(into, { salvage })
      await begun(operation, 'salvage', bundle)
      const acts = createSalvageActivities({ ledger } as unknown as ActivityDeps)
      const act = { attempt: 1, signal: new AbortController().signal, stale: () => false, isCurrent: async () => true }
      return runAct(act as unknown as Act, () => acts.planSalvage({ operation, step: 'plan', bundle }))
    },
  }
}

test('one that was never fenced, or whose fence was lifted, is refused: nobody answers for it that only we look into it', async () => {
  const { old, fenced, opened, change, plan } = pair()
  await expect(plan()).rejects.toMatchObject({
    code: 'FENCE_LIFTED',
    message: expect.stringContaining(`${old} was never fenced`),
  })
  await fenced('dead-1')
  await opened('dead-1')
  await expect(plan()).resolves.toMatchObject({ target: { instance: old } })
  const lifted = { by: 'ada', reason: 'taken back', at: '2026-11-30T04:00:00.000Z' }
  for (const to of ['lifting', 'lifted'] as const) {
    await ledger.changeFence({ ...change, from: ['fencing', 'lifting'], to, lifted })
    await expect(plan()).rejects.toMatchObject({ code: 'FENCE_LIFTED', message: expect.stringContaining(`${old} is ${to}`) })
  }
})

test('one that is fenced, and that no failover has given up, is refused', async () => {
  const { fenced, plan } = pair()
  await fenced('dead-2')
  const message = expect.stringContaining('no failover has made')
  await expect(plan()).rejects.toMatchObject({ code: 'RESOURCE_NOT_OURS', message })
})

test('its rows go to no other than the one that a failover made the writer in its place', async () => {
  const { writer, fenced, opened, plan } = pair()
  await fenced('dead-3')
  await opened('dead-3')
  const message = expect.stringContaining(`dead-3 has made ${writer} the writer in its place, and not elsewhere`)
  await expect(plan('elsewhere')).rejects.toMatchObject({ code: 'RESOURCE_NOT_OURS', message })
})

test('what was given up is told with what the new writer had, and the report is begun', async () => {
  const { old, writer, change, fenced, opened, plan } = pair()
  const fenceBundle = await fenced('dead-4')
  await opened('dead-4')
  const kept: FailoverKept = {
    ...{ version: 1, beat: { at: '2026-11-30T02:59:59.000Z', lsn: '0/1' }, lossMsMax: 1_000, drained: false },
  }
  await ledger.putDocument({ operation: 'dead-4', name: FAILOVER_DOCUMENTS.kept, document: kept })
  expect(await plan()).toEqual({
    ...{ target: { instance: old, instanceId: change.instanceId }, fenceBundle },
    summary: `dead-4 gave ${old} up for ${writer}; it had all until 2026-11-30T02:59:59.000Z`,
  })
  expect(await ledger.getDocument({ operation: `salvage-${asked}`, name: SALVAGE_DOCUMENTS.report })).toEqual({
    ...{ version: 1, old, writer, failover: 'dead-4', kept, merge: [], looked: null },
  })
})
