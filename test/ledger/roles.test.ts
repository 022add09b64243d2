import { openLedger } from '../../ledger/ledger'
import { ensureWorkerRole } from '../../ledger/roles'
import { query, startTestServer, type TestServer } from './postgres-server'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

test("the workers' role may do what the record needs and nothing more, whatever it could do before", async () => {
  const owner = await server.freshDatabase()
  const ledger = openLedger({ url: owner })
  await ledger.migrate()
  await ledger.close()
  const target = new URL(owner)
  target.username = 'worker'
  target.password = 'secret'
  await ensureWorkerRole(owner, target.href)
  await query(owner, 'GRANT ALL ON ALL TABLES IN SCHEMA ledger TO worker')
  await ensureWorkerRole(owner, target.href)

  const rights = await query(
    owner,
    `SELECT table_name AS name, string_agg(privilege_type, ' ' ORDER BY privilege_type) AS rights
       FROM information_schema.role_table_grants WHERE grantee = 'worker' AND table_schema = 'ledger' GROUP BY 1 ORDER BY 1`,
  )
  expect(Object.fromEntries(rights.map(({ name, rights: may }) => [name, may]))).toEqual({
    bundles: 'INSERT SELECT',
    documents: 'INSERT SELECT UPDATE',
    epoch_counters: 'INSERT SELECT UPDATE',
    epochs: 'DELETE INSERT SELECT UPDATE',
    evidence: 'INSERT SELECT',
    fenced_instances: 'INSERT SELECT UPDATE',
    operations: 'INSERT SELECT UPDATE',
    resources: 'INSERT SELECT UPDATE',
    standby_comparisons: 'INSERT SELECT UPDATE',
    standbys: 'INSERT SELECT UPDATE',
    steps: 'INSERT SELECT UPDATE',
    sweeps: 'INSERT SELECT UPDATE',
  })
  const asWorker = openLedger({ url: target.href })
  expect(await asWorker.nextEpoch({ scope: 'shop', operation: 'op-1' })).toBe(1)
  expect(await asWorker.nextEpoch({ scope: 'shop', operation: 'op-1', above: 4 })).toBe(5)
  await asWorker.close()
})
