import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLedgerActivities } from '../../activities/ledger/ledger'
import { parseFleet } from '../../client/fleet/parse-fleet'
import { OLD_INSTANCE } from '../../contracts/old-instance'
import { readEvidence } from '../../ledger/evidence-document'
import { type Ledger, openLedger } from '../../ledger/ledger'
import { startTestServer, type TestServer } from './postgres-server'

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

const at = '2026-11-23T03:00:00.000Z'
const step = 'evidence'

test('evidence holds what was asked for and allowed, every paper, and no way to a secret; a repeat changes nothing', async () => {
  const fleet = readFileSync(join(__dirname, '../client/fleet-example.yaml'), 'utf8')
  const database = parseFleet(fleet, 'fleet.yaml').databases[0]!
  const bundle = await ledger.putBundle({ version: 1, database, migrations: [{ script: 'V1__a.sql', content: 'SELECT 1;' }] })
  const operation = 'migrate-shop-proved'
  const about = { kind: 'migrate', databases: ['shop'], cloud: 'aws', environment: 'production', mode: 'apply' } as const
  await ledger.openOperation({ id: operation, ...about, requestedBy: 'ada', startedAt: at, bundle })
  await ledger.putDocument({ operation, name: 'plan', document: { digest: 'd' } })
  await ledger.putDocument({ operation, name: 'rows-target', document: { orders: 1 } })

  const resource = { operation, cloud: 'aws', createdAt: at, expiresAt: null, removedAt: null }
  for (const kind of ['instance', OLD_INSTANCE]) await ledger.recordResource({ ...resource, kind, name: kind })

  const { writeEvidence } = createLedgerActivities({ ledger })
  const ending = { operation, step, at, status: 'succeeded', verdict: 'pass', failure: null } as const
  const { digest } = await writeEvidence(ending)
  expect(await writeEvidence({ ...ending, verdict: 'fail' })).toEqual({ digest })

  const held = await ledger.getEvidence(operation)
  const evidence = readEvidence(held?.document)
  expect(held?.digest).toBe(digest)
  expect(evidence).toMatchObject({
    operation: { id: operation, status: 'succeeded', verdict: 'pass', requestedBy: 'ada' },
    request: { mode: 'apply', bundle, instance: database.instance, policy: { limits: database.policy.limits } },
  })
  expect(evidence.documents).toEqual({ plan: { digest: 'd' } })
  // What was there before was not made, whether its keeping is recorded by then or not.
  expect(evidence.resources.map(({ kind }) => kind)).toEqual(['instance'])
  expect(JSON.stringify(evidence)).not.toMatch(/secret|env:|SHOP_/)
})

test('a document that is no evidence of a version that is known is refused', () => {
  const refused = expect.objectContaining({ code: 'EVIDENCE_UNREADABLE' })
  for (const document of [null, 1, {}, { version: 2, operation: {}, documents: {} }, { version: 1 }]) {
    expect(() => readEvidence(document)).toThrow(refused)
  }
})
